// The Python face of recorded work.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>

#include "bindings.h"
#include "programme.h"
#include "step.h"

namespace nb = nanobind;

namespace astra {

thread_local Programme* recording = nullptr;

Programme::~Programme() {
  if (recording == this) recording = nullptr;  // Ctrl-C may come between a beginning and its end
}

void Programme::add_of_step(const Step& step, std::function<void(const Step&)> prepare) {
  prepare(step);
  if (recording != this) return;
  const auto found = std::find(steps_.begin(), steps_.end(), &step);
  of_step_.emplace_back(found - steps_.begin(), std::move(prepare));
  if (found == steps_.end()) steps_.push_back(&step);
}

void Programme::run_again(const std::vector<const Step*>& steps) {
  if (steps.size() != steps_.size()) throw std::invalid_argument("a step for each that was recorded is needed");
  for (const auto& [which, prepare] : of_step_) prepare(*steps[which]);
  nb::gil_scoped_release others;  // they may go on meanwhile
  run_from(0);
}

void Programme::forget() {
  phases.clear();
  steps_.clear();
  of_step_.clear();
  held_.clear();
}

void define_programme(nb::module_& m) {
  nb::class_<Programme>(m, "Programme")
      .def(nb::init<>())
      .def("begin", [](Programme& programme) { recording = &programme; })
      .def("end", [](Programme&) { recording = nullptr; })
      .def("run", &Programme::run_again);
}

}  // namespace astra
