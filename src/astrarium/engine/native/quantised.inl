// Activations quantised in groups of 32, their products with quantised weights, and the weights' own values.

namespace ASTRA_ISA {
using namespace astra;

constexpr int TILE = W == 16 ? 8 : 4;      // rows of activations a pass over a panel serves

static void quantise(const float* x, int64_t stride, int64_t from, int64_t to, int64_t first_group, int64_t last_group,
                     const Codes& into) {
  for (int64_t row = from; row < to; row++) {
    int64_t at = into.first(row) + first_group * into.tall;
    for (int64_t g = first_group; g < last_group; g++, at += into.tall) {
      const float* p = x + row * stride + g * GROUP;
      // As whole numbers the bits of sizes have their order, with what is no number above all: it makes the scale none.
      vi most = bits(absolute(load(p)));
      for (int i = W; i < GROUP; i += W) most = int_maximum(most, bits(absolute(load(p + i))));
      const float range = from_bits(int_largest(most));
      const float scale = range / 127.0f, inverse = range > 0 ? 127.0f / range : 0.0f;
      int halves[2] = {0, 0};
      int8_t* codes = into.codes + at * GROUP;
      for (int i = 0; i < GROUP; i += W) {
        const vf rounded = round_even(mul(load(p + i), set1(inverse)));
        store_i8(codes + i, rounded);
        halves[i >= GROUP / 2] += int_sum(rounded);
      }
      into.scales[at] = scale;
      into.sums[at] = scale * (float)(halves[0] + halves[1]);
      into.halves[2 * at] = halves[0];
      into.halves[2 * at + 1] = halves[1];
    }
  }
}

// One panel times `M` rows of activations.
template <int BITS, Scales KIND, bool MINIMA, bool OFFSET, int M>
static void panel_rows(const Quantised& q, const Codes& x, int64_t panel, int64_t row, float* y, int64_t stride,
                       bool plus) {
  const int64_t groups = q.inputs / GROUP;
  const int64_t left = q.outputs - panel * PANEL;
  const vi table = table_of(q.table);
  const int64_t first_at = x.first(row);
  constexpr bool OF_ROWS = KIND == Scales::byte, TWICE = KIND == Scales::super6;
  for (int half = 0; half < HALVES; half++) {
    if (left <= half * W) break;
    const uint8_t* codes = q.codes + panel * groups * (BITS * 64) + half * W * 4;
    const int64_t column = panel * PANEL + half * W;
    if constexpr (OF_ROWS) {  // lie elsewhere, and are needed at the end
      __builtin_prefetch(q.row_scale + column);
      if constexpr (MINIMA) __builtin_prefetch(q.row_minimum + column);
    }
    vf total[M], minima[M];
    UNROLL
    for (int m = 0; m < M; m++) total[m] = minima[m] = zero();
    for (int64_t g = 0; g < groups; g++, codes += BITS * 64) {
      if (half == 0)
        for (int i = 0; i < BITS; i++) __builtin_prefetch(codes + AHEAD + 64 * i, 0, NEAR);
      const Factors f = factors<KIND, MINIMA>(q, panel, groups, g, half);
      const int64_t at = first_at + g * x.tall;
      const int8_t* a = x.codes + at * GROUP;
      vi dots[M], more[M];
      UNROLL
      for (int m = 0; m < M; m++) {
        const int32_t* halves = x.halves + 2 * (at + m);
        const int first = OFFSET ? -q.offset * halves[0] : 0, second = OFFSET ? -q.offset * halves[1] : 0;
        dots[m] = int_set1(TWICE ? first : first + second);
        if constexpr (TWICE) more[m] = int_set1(second);
      }
      // All rows with some weights before the next: a sum waits for the one before, and other rows' go on meanwhile.
      for (int i = 0; i < 4; i++) {
        vi low, high;
        if constexpr (BITS == 4) {
          const vi both = load_bytes(codes + 64 * i);
          low = low_nibbles(both), high = high_nibbles(both);
          if (OFFSET && q.has_table) low = look_up(table, low), high = look_up(table, high);
        } else {
          low = load_bytes(codes + 64 * i), high = load_bytes(codes + 64 * (i + 4));
        }
        UNROLL
        for (int m = 0; m < M; m++) dots[m] = dot4(dots[m], low, a + m * GROUP + 4 * i);
        UNROLL
        for (int m = 0; m < M; m++) {
          vi& into = TWICE ? more[m] : dots[m];
          into = dot4(into, high, a + m * GROUP + 16 + 4 * i);
        }
      }
      UNROLL
      for (int m = 0; m < M; m++) {
        const vf scale = set1(x.scales[at + m]);
        if constexpr (TWICE) {
          total[m] = fma(mul(to_float(dots[m]), f.scale[0]), scale, total[m]);
          total[m] = fma(mul(to_float(more[m]), f.scale[1]), scale, total[m]);
        } else {
          total[m] = fma(to_float(dots[m]), mul(f.scale[0], scale), total[m]);
          if constexpr (MINIMA) {
            vf& into = OF_ROWS ? minima[m] : total[m];
            into = fma(f.minimum, set1(x.sums[at + m]), into);
          }
        }
      }
    }
    UNROLL
    for (int m = 0; m < M; m++)
      finish<OF_ROWS, MINIMA>(q, total[m], minima[m], column, y + (row + m) * stride + column, plus);
  }
}

template <int BITS, Scales KIND, bool MINIMA, bool OFFSET>
static void panel_all(const Quantised& q, const Codes& x, int64_t panel, float* y, int64_t stride, bool plus) {
  int64_t row = 0;
  for (; row + TILE <= x.rows; row += TILE) panel_rows<BITS, KIND, MINIMA, OFFSET, TILE>(q, x, panel, row, y, stride, plus);
  switch (x.rows - row) {
    case 7: panel_rows<BITS, KIND, MINIMA, OFFSET, 7>(q, x, panel, row, y, stride, plus); break;
    case 6: panel_rows<BITS, KIND, MINIMA, OFFSET, 6>(q, x, panel, row, y, stride, plus); break;
    case 5: panel_rows<BITS, KIND, MINIMA, OFFSET, 5>(q, x, panel, row, y, stride, plus); break;
    case 4: panel_rows<BITS, KIND, MINIMA, OFFSET, 4>(q, x, panel, row, y, stride, plus); break;
    case 3: panel_rows<BITS, KIND, MINIMA, OFFSET, 3>(q, x, panel, row, y, stride, plus); break;
    case 2: panel_rows<BITS, KIND, MINIMA, OFFSET, 2>(q, x, panel, row, y, stride, plus); break;
    case 1: panel_rows<BITS, KIND, MINIMA, OFFSET, 1>(q, x, panel, row, y, stride, plus); break;
    default: break;
  }
}

static void quantised(const Quantised& q, const Codes& x, int64_t panel, float* y, int64_t stride, bool plus) {
  if (q.bits == 8) {
    if (q.kind == Scales::super6) return panel_all<8, Scales::super6, false, true>(q, x, panel, y, stride, plus);
    if (q.kind == Scales::byte) return panel_all<8, Scales::byte, false, true>(q, x, panel, y, stride, plus);
    return panel_all<8, Scales::half, false, true>(q, x, panel, y, stride, plus);
  }
  switch (q.kind) {
    case Scales::half:
      if (q.minima) return panel_all<4, Scales::half, true, false>(q, x, panel, y, stride, plus);
      return panel_all<4, Scales::half, false, true>(q, x, panel, y, stride, plus);
    case Scales::byte:
      if (q.minima) return panel_all<4, Scales::byte, true, false>(q, x, panel, y, stride, plus);
      return panel_all<4, Scales::byte, false, true>(q, x, panel, y, stride, plus);
    default:
      return panel_all<4, Scales::super4, true, false>(q, x, panel, y, stride, plus);
  }
}

// One output row's weights. Slow: for embeddings and for gradients, not for products.
static void dequantise(const Quantised& q, int64_t row, float* into) {
  const int64_t groups = q.inputs / GROUP, panel = row / PANEL, lane = row % PANEL;
  for (int64_t g = 0; g < groups; g++) {
    const uint8_t* codes = q.codes + (panel * groups + g) * (q.bits * 64);
    const int64_t at = (panel * groups + g) * PANEL + lane, super = (panel * (groups / 8) + g / 8) * PANEL + lane;
    float scale[2], minimum = 0;
    float part[W];
    const auto half_at = [&](const void* p, int64_t i) {
      uint16_t lanes[W] = {((const uint16_t*)p)[i]};
      store(part, load_f16(lanes));
      return part[0];
    };
    switch (q.kind) {
      case Scales::half:
        scale[0] = scale[1] = half_at(q.scales, at);
        if (q.minima) minimum = half_at(q.minima, at);
        break;
      case Scales::byte:
        scale[0] = scale[1] = ((const uint8_t*)q.scales)[at] * q.row_scale[row];
        if (q.minima) minimum = ((const uint8_t*)q.minima)[at] * q.row_minimum[row];
        break;
      case Scales::super4:
        scale[0] = scale[1] = ((const uint8_t*)q.scales)[at] * half_at(q.super_scales, super);
        minimum = ((const uint8_t*)q.minima)[at] * half_at(q.super_minima, super);
        break;
      case Scales::super6: {
        const int8_t* twice = (const int8_t*)q.scales + (panel * groups + g) * 2 * PANEL + lane;
        const float d = half_at(q.super_scales, super);
        scale[0] = twice[0] * d;
        scale[1] = twice[PANEL] * d;
        break;
      }
    }
    for (int i = 0; i < GROUP; i++) {
      const int quad = i / 4;
      int code;
      if (q.bits == 4) {
        const uint8_t both = codes[(quad % 4) * 64 + lane * 4 + i % 4];
        code = quad < 4 ? both & 15 : both >> 4;
        if (q.has_table) code = q.table[code];
      } else {
        code = codes[quad * 64 + lane * 4 + i % 4];
      }
      into[g * GROUP + i] = (float)(code - q.offset) * scale[i / 16] + minimum;
    }
  }
}

}  // namespace ASTRA_ISA
