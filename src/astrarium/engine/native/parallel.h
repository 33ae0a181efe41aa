// Work shared between threads, on the pool of OpenMP threads that torch already keeps.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

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

// The same twice; the second begins when the whole first is done.
template <class First, class Second>
void each_then_each(int64_t tasks, int64_t then, First first, Second second) {
  const int threads = thread_count();
  if (threads == 1 || tasks + then <= 2) {
    for (int64_t i = 0; i < tasks; i++) first(i);
    for (int64_t i = 0; i < then; i++) second(i);
    return;
  }
  std::atomic<int64_t> next{0}, after{0};
#pragma omp parallel num_threads(threads)
  {
    for (int64_t i; (i = next.fetch_add(1)) < tasks;) first(i);
#pragma omp barrier
    for (int64_t i; (i = after.fetch_add(1)) < then;) second(i);
  }
}

}  // namespace astra
