// What products of quantised weights have in common, whichever unit of the processor multiplies.

namespace ASTRA_ISA {
using namespace astra;

#define UNROLL _Pragma("GCC unroll 16")  // what is kept for each row would else be kept in memory

constexpr int HALVES = PANEL / W;  // vectors that hold a panel's rows
constexpr int AHEAD = 4096;        // bytes: the arithmetic of several rows hides the next weights from the core
constexpr int NEAR = 2;            // the cache they are fetched into is the second: the first has few places for what is under way

struct Factors {
  vf scale[2], minimum;
};

// Scales and minima of a panel's (half) rows in a group, as fp32; of bytes what is left is a factor of the whole row.
template <Scales KIND, bool MINIMA>
inline Factors factors(const Quantised& q, int64_t panel, int64_t groups, int64_t g, int half) {
  Factors f;
  const int64_t at = (panel * groups + g) * PANEL + half * W;
  if constexpr (KIND == Scales::half) {
    f.scale[0] = load_f16((const uint16_t*)q.scales + at);
    if constexpr (MINIMA) f.minimum = load_f16((const uint16_t*)q.minima + at);
  } else if constexpr (KIND == Scales::byte) {
    f.scale[0] = load_u8((const uint8_t*)q.scales + at);
    if constexpr (MINIMA) f.minimum = load_u8((const uint8_t*)q.minima + at);
  } else {
    const int64_t super = (panel * (groups / 8) + g / 8) * PANEL + half * W;
    const vf d = load_f16(q.super_scales + super);
    if constexpr (KIND == Scales::super4) {
      f.scale[0] = mul(load_u8((const uint8_t*)q.scales + at), d);
      if constexpr (MINIMA) f.minimum = mul(load_u8((const uint8_t*)q.minima + at), load_f16(q.super_minima + super));
    } else {
      const int64_t twice = (panel * groups + g) * 2 * PANEL + half * W;
      f.scale[0] = mul(load_i8((const int8_t*)q.scales + twice), d);
      f.scale[1] = mul(load_i8((const int8_t*)q.scales + twice + PANEL), d);
    }
  }
  return f;
}

// The last of a row's products with W outputs from `column` on: what the factors of whole outputs, the bias and what was
// there make of the sums over the groups.
template <bool OF_ROWS, bool MINIMA>
inline void finish(const Quantised& q, vf total, vf minima, int64_t column, float* into, bool plus) {
  const int count = q.outputs - column < W ? (int)(q.outputs - column) : W;
  if constexpr (OF_ROWS) total = mul(total, load(q.row_scale + column));
  if constexpr (OF_ROWS && MINIMA) total = fma(minima, load(q.row_minimum + column), total);
  if (q.bias) total = plus_part(total, q.bias + column, count);
  if (plus) total = plus_part(total, into, count);
  if (count == W) store(into, total);
  else store_part(into, total, count);
}

}  // namespace ASTRA_ISA
