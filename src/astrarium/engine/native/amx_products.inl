// Products of quantised weights on the matrix unit, to the same bits as those of quantised.inl: whole numbers are summed
// exactly by either, and what is done with the sums is the same.

namespace ASTRA_ISA {

constexpr int64_t LEAST = 9;  // rows from which on the unit is quicker

// Sums in the first four registers, then activations and weights in two each.
inline void shape(int rows, int inputs) {
  Shapes s;
  for (int t = 0; t < 8; t++) s.rows[t] = (uint8_t)rows, s.bytes[t] = 4 * PANEL;
  for (int t : {4, 5}) s.bytes[t] = (uint16_t)inputs;
  for (int t : {6, 7}) s.rows[t] = (uint8_t)(inputs / 4);
  take(s);
}

// The weights of a group of a panel as the unit takes them: signed bytes.
template <int BITS, bool OFFSET>
inline void unpack(const Quantised& q, vi table, vi offset, const uint8_t* codes, int8_t* into) {
  vi w[8];
  if constexpr (BITS == 4) {
    for (int i = 0; i < 4; i++) {
      const vi both = load_bytes(codes + 64 * i);
      w[i] = low_nibbles(both), w[i + 4] = high_nibbles(both);
    }
    if (OFFSET && q.has_table)
      for (int i = 0; i < 8; i++) w[i] = look_up(table, w[i]);
  } else {
    for (int i = 0; i < 8; i++) w[i] = load_bytes(codes + 64 * i);
  }
  for (int i = 0; i < 8; i++) _mm512_store_si512(into + 64 * i, OFFSET ? _mm512_sub_epi8(w[i], offset) : w[i]);
}

inline vf number(const int32_t* p) { return to_float(_mm512_load_si512(p)); }

template <int I>
using Number = std::integral_constant<int, I>;

// One panel times M rows that lie together. Everything happens in turns, one for each product, which is that of a group
// or half of one: weights are unpacked some turns before they are loaded, and a sum is stored two turns after its product
// was begun, since storing waits for it, and read four later, since it is not found before it has reached the cache.
template <int BITS, Scales KIND, bool MINIMA, int M>
static void on_tiles(const Quantised& q, const Codes& x, int64_t panel, int64_t row, bool fetch, float* y, int64_t stride,
                     bool plus) {
  constexpr bool OF_ROWS = KIND == Scales::byte;
  constexpr bool APART = OF_ROWS && MINIMA && M > 12;  // more sums than registers
  constexpr int PARTS = KIND == Scales::super6 ? 2 : 1, INPUTS = GROUP / PARTS;
  constexpr int LEAD = 6, UNPACKED = 8, STORED = 2, READ = 6, SUMS = 8;
  alignas(64) int8_t weights[UNPACKED][GROUP * PANEL];
  alignas(64) int32_t dots[SUMS][TALL * PANEL];  // all rows that lie together are stored, M of them read
  const int64_t groups = x.groups(), products = PARTS * groups, first_at = x.first(row), tall = x.tall;
  const vi table = table_of(q.table), offset = _mm512_set1_epi8((char)q.offset);
  const uint8_t* codes = q.codes + panel * groups * (BITS * 64);
  const int8_t* rows = x.codes + first_at * GROUP;
  vf total[M], minima[M];
  UNROLL
  for (int m = 0; m < M; m++) total[m] = minima[m] = zero();
  shape((int)tall, INPUTS);
  const auto ready = [&](int64_t g) __attribute__((always_inline)) {
    if (fetch)
      for (int i = 0; i < BITS; i++) __builtin_prefetch(codes + g * BITS * 64 + AHEAD + 64 * i, 0, NEAR);
    unpack<BITS, !MINIMA>(q, table, offset, codes + g * BITS * 64, weights[g % UNPACKED]);
  };
  const auto scale = [&](int64_t g, const int32_t* one, const int32_t* two) __attribute__((always_inline)) {
    const Factors f = factors<KIND, MINIMA>(q, panel, groups, g, 0);
    const int64_t at = first_at + g * tall;
    UNROLL
    for (int m = 0; m < M; m++) {
      const vf by = set1(x.scales[at + m]);
      if constexpr (PARTS == 2) {
        total[m] = fma(mul(number(one + m * PANEL), f.scale[0]), by, total[m]);
        total[m] = fma(mul(number(two + m * PANEL), f.scale[1]), by, total[m]);
      } else {
        total[m] = fma(number(one + m * PANEL), mul(f.scale[0], by), total[m]);
        if constexpr (MINIMA && !APART) {
          vf& into = OF_ROWS ? minima[m] : total[m];
          into = fma(f.minimum, set1(x.sums[at + m]), into);
        }
      }
    }
  };
  const auto turn = [&](auto which, int64_t n) __attribute__((always_inline)) {
    constexpr int T = decltype(which)::value;
    if (n % PARTS == 0 && n / PARTS + LEAD < groups) ready(n / PARTS + LEAD);
    if (n < products) {
      tile_load<4 + T % 2>(rows + n / PARTS * tall * GROUP + n % PARTS * INPUTS, GROUP);
      tile_load<6 + T % 2>(weights[n / PARTS % UNPACKED] + n % PARTS * INPUTS * PANEL, 4 * PANEL);
      tile_zero<T>();
      tile_multiply_i8<T, 4 + T % 2, 6 + T % 2>();
    }
    if (n >= STORED && n - STORED < products) tile_store<(T + 4 - STORED) % 4>(dots[(n - STORED) % SUMS], 4 * PANEL);
    if (n >= READ && n < products + READ && (n - READ) % PARTS == PARTS - 1)
      scale((n - READ) / PARTS, dots[(n - READ - PARTS + 1) % SUMS], dots[(n - READ) % SUMS]);
  };
  for (int64_t g = 0; g < std::min<int64_t>(LEAD, groups); g++) ready(g);
  for (int64_t n = 0; n < products + READ; n += 4)
    turn(Number<0>(), n), turn(Number<1>(), n + 1), turn(Number<2>(), n + 2), turn(Number<3>(), n + 3);
  if constexpr (APART)
    for (int64_t g = 0; g < groups; g++) {
      const vf minimum = factors<KIND, MINIMA>(q, panel, groups, g, 0).minimum;
      UNROLL
      for (int m = 0; m < M; m++) minima[m] = fma(minimum, set1(x.sums[first_at + g * tall + m]), minima[m]);
    }
  const int64_t column = panel * PANEL;
  UNROLL
  for (int m = 0; m < M; m++)
    finish<OF_ROWS, MINIMA>(q, total[m], minima[m], column, y + (row + m) * stride + column, plus);
}

template <int BITS, Scales KIND, bool MINIMA, size_t... I>
constexpr auto by_rows(std::index_sequence<I...>) { return std::array{on_tiles<BITS, KIND, MINIMA, (int)(LEAST + I)>...}; }

template <int BITS, Scales KIND, bool MINIMA>
static void panel_all(const Quantised& q, const Codes& x, int64_t panel, float* y, int64_t stride, bool plus) {
  static constexpr auto table = by_rows<BITS, KIND, MINIMA>(std::make_index_sequence<TALL + 1 - LEAST>());
  for (int64_t row = 0; row < x.rows; row += x.tall) {
    const int64_t rows = std::min(x.tall, x.rows - row);
    if (rows >= LEAST) {
      table[rows - LEAST](q, x, panel, row, row == 0, y, stride, plus);
    } else {
      const int64_t at = row * x.groups();
      const Codes rest{rows, x.inputs, x.tall, x.codes + at * GROUP, x.scales + at, x.sums + at, x.halves + 2 * at};
      kernels_avx512bf16()->quantised(q, rest, panel, y + row * stride, stride, plus);
    }
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
