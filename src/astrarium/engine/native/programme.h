// What the operations of a forward pass do, phase by phase: at once, or recorded to be done again in one call.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "parallel.h"

namespace astra {

struct Step;

// What a block of a programme's memory is for; of several alike, the number is added.
enum Use : int { PARTIAL = 0, CODES = 16 };

class Programme {
 public:
  std::vector<Phase> phases;

  Programme() = default;
  Programme(const Programme&) = delete;
  ~Programme();

  // `work(i)` for every i below `tasks`, `grain` of them a task of the phase.
  template <class Work>
  void add(int64_t tasks, int64_t grain, Work work) {
    if (tasks < 1) return;
    phases.push_back({(tasks + grain - 1) / grain, [=](int64_t portion) {
                        const int64_t end = std::min(tasks, (portion + 1) * grain);
                        for (int64_t i = portion * grain; i < end; i++) work(i);
                      }});
  }

  // `work(row)` for every row, `grain` rows a task; see `Phase::joins`.
  void add_rows(int64_t rows, int64_t grain, std::function<void(int64_t)> work, bool joins = false) {
    if (rows > 0) phases.push_back({(rows + grain - 1) / grain, std::move(work), {}, rows, grain, joins});
  }

  void add(int64_t tasks, std::function<void(int64_t)> work, std::function<int64_t(int64_t)> fetch = {}) {
    if (tasks > 0) phases.push_back({tasks, std::move(work), std::move(fetch)});
  }

  // What depends on the step; done now, and each time before the programme runs.
  void add_of_step(const Step& step, std::function<void(const Step&)> prepare);

  // Memory that does not move: what is recorded holds its address. Operations come one after another, and share it.
  template <class T>
  T* room(int use, int64_t count) {
    size_t size = 4096;
    while (size < count * sizeof(T)) size *= 2;
    auto& block = rooms_[{use, size}];
    if (!block) block.reset(new std::byte[size + ALIGNED]);
    const auto address = reinterpret_cast<uintptr_t>(block.get());
    return reinterpret_cast<T*>((address + ALIGNED - 1) / ALIGNED * ALIGNED);
  }

  // What Python holds, and recorded phases need.
  template <class T>
  void hold(const T* object);

  void run_from(size_t first) const { in_turn(phases.data() + first, (int64_t)(phases.size() - first)); }
  // All again, with one step for each that was met, in that order.
  void run_again(const std::vector<const Step*>& steps);
  void forget();  // all but the memory

 private:
  static constexpr size_t ALIGNED = 64;
  std::map<std::pair<int, size_t>, std::unique_ptr<std::byte[]>> rooms_;
  std::vector<const Step*> steps_;  // as met while recording; not to be read later
  std::vector<std::pair<size_t, std::function<void(const Step&)>>> of_step_;
  std::vector<nanobind::object> held_;
};

extern thread_local Programme* recording;  // into which this thread's operations go too, if into any

template <class T>
void Programme::hold(const T* object) {
  if (recording == this) held_.push_back(nanobind::find(*object));
}

// An operation: `add` says what it does, which is done.
template <class Add>
void perform(Add add) {
  static thread_local Programme direct;
  Programme& programme = recording ? *recording : direct;
  if (!recording) direct.forget();
  const size_t first = programme.phases.size();
  add(programme);
  programme.run_from(first);
}

}  // namespace astra
