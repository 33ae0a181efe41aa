// The kernels that run on the processor's matrix unit (AMX); all others are those of AVX-512 with bf16.
#include "kernels.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "simd.h"

#include "attention.inl"

#include "quantised_parts.inl"

#include "amx.inl"

#include "amx_products.inl"

#include "amx_reading.inl"

#include "amx_attention.inl"

namespace astra {

// Linux lets a process use the unit's registers when it has asked to.
bool may_use_amx() {
#if defined(__linux__)
  constexpr long ASK = 0x1023, REGISTERS = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, ASK, REGISTERS) == 0;
#else
  return false;
#endif
}

const Kernels* kernels_amx() {
  static const Kernels table = [] {
    Kernels own = *kernels_avx512bf16();
    own.name = "amx";
    own.quantised = ASTRA_ISA::quantised_on_tiles;
    own.halve = ASTRA_ISA::halve;
    own.read = ASTRA_ISA::read;
    own.attend = ASTRA_ISA::attend_on_tiles;
    return own;
  }();
  return &table;
}

}  // namespace astra
