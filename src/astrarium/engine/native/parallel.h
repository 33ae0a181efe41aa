// Work shared between threads, on the pool of OpenMP threads that torch already keeps.
#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

namespace astra {

inline int& thread_count() {
  static int count = 1;
  return count;
}

// `work(i)` for every i below `tasks`, in portions of `grain`. Which thread takes which portion is not fixed.
template <class Work>
void each(int64_t tasks, int64_t grain, Work work) {
  const int threads = thread_count();
  if (threads == 1 || tasks <= grain) {
    for (int64_t i = 0; i < tasks; i++) work(i);
    return;
  }
  std::atomic<int64_t> next{0};
#pragma omp parallel num_threads(threads)
  for (;;) {
    const int64_t from = next.fetch_add(grain);
    if (from >= tasks) break;
    for (int64_t i = from; i < std::min(tasks, from + grain); i++) work(i);
  }
}

// Portions of one piece of work. Each thread takes its own share in order, so that memory is read on and on, and then
// what is left of the others'.
class Shares {
 public:
  Shares(int64_t tasks, int threads) : threads_(std::min(threads, MOST)) { deal(tasks); }

  // While no thread works.
  void deal(int64_t tasks) {
    for (int t = 0; t < threads_; t++) {
      parts_[t].next.store(tasks * t / threads_, std::memory_order_relaxed);
      parts_[t].end = tasks * (t + 1) / threads_;
    }
  }

  template <class Work>
  void work(int thread, Work&& work) {
    for (int i = 0; i < threads_; i++) {
      Part& part = parts_[(thread + i) % threads_];
      for (int64_t task; (task = part.next.fetch_add(1, std::memory_order_relaxed)) < part.end;) work(task);
    }
  }

 private:
  static constexpr int MOST = 64;
  struct alignas(64) Part {  // a cache line each: counting on would else take the line from the other threads
    std::atomic<int64_t> next;
    int64_t end;
  };
  int threads_;
  Part parts_[MOST];
};

// Where the threads of one piece of work wait for each other. Phases are shorter than a system call, so that waiting is
// watching; a thread that has waited for long gives its processor away, since another may need it to get here.
class Meeting {
 public:
  // `threads` is how many there are, which may be fewer than were asked for; the last to come does `last` alone. Who
  // waits does `meanwhile` again and again, until it says that nothing is left.
  template <class Last, class Meanwhile>
  void wait(int threads, Last last, Meanwhile meanwhile) {
    const int round = round_.load(std::memory_order_relaxed);
    if (here_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      here_.store(0, std::memory_order_relaxed);
      last();
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    bool is_left = true;
    for (int looks = 0; round_.load(std::memory_order_acquire) == round; looks++)
      if (is_left) is_left = meanwhile();
      else if (looks < PATIENCE) pause();
      else std::this_thread::yield();
  }

 private:
  static constexpr int PATIENCE = 2000;
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  alignas(64) std::atomic<int> here_{0};
  alignas(64) std::atomic<int> round_{0};
};

struct Phase {
  int64_t tasks;
  std::function<void(int64_t)> work;
  // Asks for the memory of a task, so that it lies near when its turn comes; gives the bytes. Perhaps empty.
  std::function<int64_t(int64_t)> fetch = {};
  // Where it goes row by row: how many there are, and how many make a task. `work` takes a row then.
  int64_t rows = 0, grain = 1;
  // Whether a row's work needs nothing but that row of the phase before, and writes nothing that one reads.
  bool joins = false;
};

// What is done between two meetings of the threads: a phase, or one that goes row by row with those that join it, of
// which a thread does all for its rows.
struct Span {
  const Phase* phases;
  int64_t first, end, tasks, grain;

  Span(const Phase* all, int64_t from, int64_t count) : phases(all), first(from), end(from + 1), tasks(all[from].tasks) {
    const int64_t rows = all[from].rows;
    grain = all[from].grain;
    if (!rows) return;
    for (; end < count && all[end].joins && all[end].rows == rows; end++) grain = std::min(grain, all[end].grain);
    tasks = (rows + grain - 1) / grain;
  }

  void work(int64_t task) const {
    if (!phases[first].rows) return phases[first].work(task);
    const int64_t to = std::min(phases[first].rows, (task + 1) * grain);
    for (int64_t i = first; i < end; i++)
      for (int64_t row = task * grain; row < to; row++) phases[i].work(row);
  }
};

// What a thread fetches while it waits: the beginning of its share of the next phase that knows what it will read.
class Ahead {
 public:
  Ahead(const Phase* phases, int64_t count, int thread, int threads)
      : phases_(phases), count_(count), thread_(thread), threads_(threads) {}

  // A little more, `from` being the phase that comes next; whether anything was left.
  bool fetch(int64_t from) {
    if (phase_ < from) {
      phase_ = from;
      while (phase_ < count_ && !(phases_[phase_].fetch && phases_[phase_].tasks > 1)) phase_++;
      if (phase_ < count_) task_ = phases_[phase_].tasks * thread_ / threads_;
      bytes_ = 0;
    }
    if (phase_ == count_ || bytes_ >= MOST || task_ == phases_[phase_].tasks * (thread_ + 1) / threads_) return false;
    bytes_ += phases_[phase_].fetch(task_++);
    return true;
  }

 private:
  static constexpr int64_t MOST = 512 * 1024;  // of a second cache, where the step's own numbers lie too
  const Phase* phases_;
  int64_t count_;
  int thread_, threads_;
  int64_t phase_ = -1, task_ = 0, bytes_ = 0;
};

inline void fetch_near(const void* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char*)from + i, 0, 2);
}

// Phases of work on one waking of the threads; each begins when the one before is wholly done. Neighbours of a single
// task are done by one thread, which waits for nobody between them.
inline void in_turn(const Phase* phases, int64_t count) {
  const auto span = [&](int64_t i) { return Span(phases, i, count); };
  const auto past_alone = [&](int64_t i, bool does) {
    while (i < count) {
      const Span next = span(i);
      if (next.tasks > 1) break;
      if (does && next.tasks) next.work(0);
      i = next.end;
    }
    return i;
  };
  const int threads = thread_count();
  const int64_t first = past_alone(0, true);
  if (first == count) return;
  if (threads == 1) {
    for (int64_t i = first; i < count;) {
      const Span now = span(i);
      for (int64_t task = 0; task < now.tasks; task++) now.work(task);
      i = now.end;
    }
    return;
  }
  Shares shares(span(first).tasks, threads);
  Meeting meeting;
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num(), all = omp_get_num_threads();
    Ahead ahead(phases, count, thread, all);
    for (int64_t i = first; i < count;) {
      const Span now = span(i);
      if (now.tasks < 2) {
        i = past_alone(i, thread == 0);
      } else {
        shares.work(thread, [&](int64_t task) { now.work(task); });
        i = now.end;
      }
      if (i < count) meeting.wait(all, [&] { shares.deal(span(i).tasks); }, [&] { return ahead.fetch(i); });
    }
  }
}

}  // namespace astra
