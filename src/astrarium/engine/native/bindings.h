// What the files of the Python face share.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace astra {

using Address = uintptr_t;

extern const Kernels* active;  // of the chosen instruction set

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

constexpr int64_t STRETCH = 4096;  // numbers of an elementwise kernel that one thread takes at once

// Memory that grows and stays, one block a use and thread.
template <class T>
T* scratch(std::vector<T>& block, int64_t size) {
  if ((int64_t)block.size() < size) block.resize(size);
  return block.data();
}

void define_linears(nanobind::module_& m);
void define_attention(nanobind::module_& m);
void define_programme(nanobind::module_& m);
void define_training(nanobind::module_& m);

}  // namespace astra
