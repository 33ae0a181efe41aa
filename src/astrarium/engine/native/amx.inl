// The processor's matrix unit (AMX): registers of up to 16 rows of 64 bytes, and products of two of them.

namespace ASTRA_ISA {
using namespace astra;

// How many rows, and bytes of a row, each register has.
struct alignas(64) Shapes {
  uint8_t palette = 1, start = 0, unused[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};
};

// Loading shapes takes as long as several products, so that they stay; but others in this thread may load theirs.
inline void take(const Shapes& wanted) {
  Shapes now;
  asm volatile("sttilecfg %0" : "=m"(now));
  if (std::memcmp(&wanted, &now, sizeof now)) asm volatile("ldtilecfg %0" ::"m"(wanted));
}

template <int T>
inline void tile_zero() { asm volatile("tilezero %%tmm%c0" ::"i"(T)); }
template <int T>
inline void tile_load(const void* p, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(T) : "memory");
}
template <int T>
inline void tile_store(void* p, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(T) : "memory");
}
// SUMS [rows, 16] += A [rows, K] times B [K / 4, 16, 4], of signed bytes
template <int SUMS, int A, int B>
inline void tile_multiply_i8() { asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(SUMS), "i"(A), "i"(B)); }
// the same with B [K / 2, 16, 2], of bf16
template <int SUMS, int A, int B>
inline void tile_multiply_bf16() { asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(SUMS), "i"(A), "i"(B)); }

}  // namespace ASTRA_ISA
