// The kernels for one instruction set: compiled once for each, under another name (ASTRA_ISA).
#include "kernels.h"

#include <algorithm>
#include <vector>

#include "simd.h"

#include "pointwise.inl"

#include "dense.inl"

#include "quantised_parts.inl"

#include "quantised.inl"

#include "rounding.inl"

#include "attention.inl"

#include "training.inl"

#include "training_attention.inl"

namespace astra {

#define ASTRA_JOIN_(a, b) a##b
#define ASTRA_JOIN(a, b) ASTRA_JOIN_(a, b)
#define ASTRA_TEXT_(a) #a
#define ASTRA_TEXT(a) ASTRA_TEXT_(a)

const Kernels* ASTRA_JOIN(kernels_, ASTRA_ISA)() {
  using namespace ASTRA_ISA;
  static const Kernels table = {ASTRA_TEXT(ASTRA_ISA), quantise, quantised, nullptr, nullptr, dequantise, round4, dense, rms_norm,
                                layer_norm,            activate, gate,      likeliest,  down,   up,    keep,
                                attend,                {training_of<float>(), training_of<uint16_t>()}, training_attention()};
  return &table;
}

}  // namespace astra
