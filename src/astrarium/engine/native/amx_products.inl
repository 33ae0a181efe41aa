// Products of quantised weights on the matrix unit, to the same bits as those of quantised.inl: whole numbers are summed
// exactly by either, and what is done with the sums is the same.

namespace ASTRA_ISA {

constexpr int64_t LEAST = 9;    // rows from which on the unit is quicker
constexpr int64_t STRETCH = 16;  // groups whose weights are made ready at a time
constexpr int SUMS = TALL * PANEL;

// 0 and 1 take sums, 2 activations, 3 weights.
inline void shape(int rows, int inputs) {
  Shapes s;
  for (int t : {0, 1, 2}) s.rows[t] = (uint8_t)rows, s.bytes[t] = (uint16_t)(t == 2 ? inputs : 4 * PANEL);
  s.rows[3] = (uint8_t)(inputs / 4), s.bytes[3] = 4 * PANEL;
  take(s);
}

// The weights of some groups of a panel, ready to be multiplied.
struct Stretch {
  alignas(64) int8_t codes[STRETCH][GROUP * PANEL];
  Factors factors[STRETCH];
  int64_t from, count;
  const uint8_t* next;  // codes of the stretch that follows
};

template <int BITS, Scales KIND, bool MINIMA>
inline void make_ready(const Quantised& q, int64_t panel, Stretch& s) {
  const int64_t groups = q.inputs / GROUP;
  const uint8_t* codes = q.codes + (panel * groups + s.from) * (BITS * 64);
  const vi table = table_of(q.table), offset = _mm512_set1_epi8((char)q.offset);
  for (int64_t i = 0; i < s.count; i++, codes += BITS * 64) {
    vi w[8];
    if constexpr (BITS == 4) {
      for (int j = 0; j < 4; j++) {
        const vi both = load_bytes(codes + 64 * j);
        w[j] = low_nibbles(both), w[j + 4] = high_nibbles(both);
      }
      if (!MINIMA && q.has_table)
        for (int j = 0; j < 8; j++) w[j] = look_up(table, w[j]);
    } else {
      for (int j = 0; j < 8; j++) w[j] = load_bytes(codes + 64 * j);
    }
    for (int j = 0; j < 8; j++) {
      if constexpr (!MINIMA) w[j] = _mm512_sub_epi8(w[j], offset);
      _mm512_store_si512(s.codes[i] + 64 * j, w[j]);
    }
    s.factors[i] = factors<KIND, MINIMA>(q, panel, groups, s.from + i, 0);
  }
  s.next = codes;
}

enum class Sums { plain, with_minima, in_halves };

// The sums over one group, of PARTS of its inputs each, for all rows of `x` that lie together.
template <int PARTS>
inline void dot(const Codes& x, int64_t at, const int8_t* weights, int32_t* into) {
  constexpr int INPUTS = GROUP / PARTS;
  const int8_t* a = x.codes + at * GROUP;
  tile_load<2>(a, GROUP);
  tile_load<3>(weights, 4 * PANEL);
  tile_zero<0>();
  tile_multiply_i8<0, 2, 3>();
  tile_store<0>(into, 4 * PANEL);
  if constexpr (PARTS == 2) {
    tile_load<2>(a + INPUTS, GROUP);
    tile_load<3>(weights + INPUTS * PANEL, 4 * PANEL);
    tile_zero<1>();
    tile_multiply_i8<1, 2, 3>();
    tile_store<1>(into + SUMS, 4 * PANEL);
  }
}

inline vf number(const int32_t* p) { return to_float(_mm512_load_si512(p)); }

// Adds to `total` [M][16] what M rows of activations make of a stretch; `at` is where their first group lies.
template <Sums KIND, int M, int FETCHED>
static void multiply(const Codes& x, int64_t at, const Stretch& s, float* total) {
  constexpr int PARTS = KIND == Sums::in_halves ? 2 : 1;
  alignas(64) int32_t dots[2][PARTS * SUMS];
  vf sum[M];
  UNROLL
  for (int m = 0; m < M; m++) sum[m] = load(total + m * PANEL);
  dot<PARTS>(x, at, s.codes[0], dots[0]);
  const int64_t count = s.count;
  const uint8_t* next = s.next;
  for (int64_t i = 0; i < count; i++, at += x.tall) {
    UNROLL
    for (int j = 0; j < FETCHED; j++) __builtin_prefetch(next + 64 * j);
    next += 64 * FETCHED;
    if (i + 1 < count) dot<PARTS>(x, at + x.tall, s.codes[i + 1], dots[(i + 1) % 2]);
    const int32_t* now = dots[i % 2];
    const vf first = s.factors[i].scale[0], second = s.factors[i].scale[1], minimum = s.factors[i].minimum;
    const float *scales = x.scales + at, *sums = x.sums + at;
    UNROLL
    for (int m = 0; m < M; m++) {
      if constexpr (KIND == Sums::in_halves) {
        sum[m] = fma(mul(number(now + m * PANEL), first), set1(scales[m]), sum[m]);
        sum[m] = fma(mul(number(now + SUMS + m * PANEL), second), set1(scales[m]), sum[m]);
      } else {
        sum[m] = fma(number(now + m * PANEL), mul(first, set1(scales[m])), sum[m]);
        if constexpr (KIND == Sums::with_minima) sum[m] = fma(minimum, set1(sums[m]), sum[m]);
      }
    }
  }
  UNROLL
  for (int m = 0; m < M; m++) store(total + m * PANEL, sum[m]);
}

// What the minima of a panel make, [M][16], where they are summed apart; of all groups.
template <int M>
static void of_minima(const Codes& x, int64_t at, const float* minima, float* total) {
  vf sum[M];
  UNROLL
  for (int m = 0; m < M; m++) sum[m] = zero();
  for (int64_t g = 0, groups = x.groups(); g < groups; g++, at += x.tall) {
    const vf minimum = load(minima + g * PANEL);
    UNROLL
    for (int m = 0; m < M; m++) sum[m] = fma(minimum, set1(x.sums[at + m]), sum[m]);
  }
  UNROLL
  for (int m = 0; m < M; m++) store(total + m * PANEL, sum[m]);
}

// By rows, from one on.
template <Sums KIND, int FETCHED, size_t... M>
constexpr auto products_of(std::index_sequence<M...>) { return std::array{multiply<KIND, M + 1, FETCHED>...}; }
template <size_t... M>
constexpr auto minima_of(std::index_sequence<M...>) { return std::array{of_minima<M + 1>...}; }

template <int BITS, Scales KIND, bool MINIMA>
static void panel_all(const Quantised& q, const Codes& x, int64_t panel, float* y, int64_t stride, bool plus) {
  constexpr bool OF_ROWS = KIND == Scales::byte;
  constexpr Sums HOW = KIND == Scales::super6 ? Sums::in_halves : MINIMA && !OF_ROWS ? Sums::with_minima : Sums::plain;
  static constexpr auto first = products_of<HOW, BITS>(std::make_index_sequence<TALL>());
  static constexpr auto others = products_of<HOW, 0>(std::make_index_sequence<TALL>());
  static constexpr auto minima = minima_of(std::make_index_sequence<TALL>());
  static thread_local std::vector<float> kept;
  const int64_t groups = x.groups(), sums = x.rows * PANEL;
  kept.resize(std::max<size_t>(kept.size(), sums + (OF_ROWS && MINIMA) * (sums + groups * PANEL)));
  float *total = kept.data(), *of_minima = total + sums, *every_minimum = of_minima + sums;
  std::fill_n(total, sums, 0.0f);
  Stretch s;
  shape((int)x.tall, HOW == Sums::in_halves ? GROUP / 2 : GROUP);
  for (s.from = 0; s.from < groups; s.from += STRETCH) {
    s.count = std::min(STRETCH, groups - s.from);
    make_ready<BITS, KIND, MINIMA>(q, panel, s);
    if constexpr (OF_ROWS && MINIMA)
      for (int64_t i = 0; i < s.count; i++) store(every_minimum + (s.from + i) * PANEL, s.factors[i].minimum);
    for (int64_t row = 0; row < x.rows; row += x.tall)
      (row ? others : first)[std::min(x.tall, x.rows - row) - 1](x, x.first(row) + s.from * x.tall, s, total + row * PANEL);
  }
  if constexpr (OF_ROWS && MINIMA)
    for (int64_t row = 0; row < x.rows; row += x.tall)
      minima[std::min(x.tall, x.rows - row) - 1](x, x.first(row), every_minimum, of_minima + row * PANEL);
  const int64_t column = panel * PANEL;
  for (int64_t row = 0; row < x.rows; row++) {
    const vf minimum = OF_ROWS && MINIMA ? load(of_minima + row * PANEL) : zero();
    finish<OF_ROWS, MINIMA>(q, load(total + row * PANEL), minimum, column, y + row * stride + column, plus);
  }
}

static void quantised_on_tiles(const Quantised& q, const Codes& x, int64_t panel, float* y, int64_t stride, bool plus) {
  if (x.rows < LEAST) return kernels_avx512bf16()->quantised(q, x, panel, y, stride, plus);
  if (q.bits == 8) {
    if (q.kind == Scales::super6) return panel_all<8, Scales::super6, false>(q, x, panel, y, stride, plus);
    if (q.kind == Scales::byte) return panel_all<8, Scales::byte, false>(q, x, panel, y, stride, plus);
    return panel_all<8, Scales::half, false>(q, x, panel, y, stride, plus);
  }
  switch (q.kind) {
    case Scales::half:
      if (q.minima) return panel_all<4, Scales::half, true>(q, x, panel, y, stride, plus);
      return panel_all<4, Scales::half, false>(q, x, panel, y, stride, plus);
    case Scales::byte:
      if (q.minima) return panel_all<4, Scales::byte, true>(q, x, panel, y, stride, plus);
      return panel_all<4, Scales::byte, false>(q, x, panel, y, stride, plus);
    default:
      return panel_all<4, Scales::super4, true>(q, x, panel, y, stride, plus);
  }
}

}  // namespace ASTRA_ISA

