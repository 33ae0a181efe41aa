// Products for tokens that are read, many at a time: weights are widened to bf16 once for all of them, and the matrix
// unit sums whole rows without a stop at each group's scale.

namespace ASTRA_ISA {

constexpr int64_t TILE_ROWS = 16;

// One row as bf16; of each four numbers the middle two change places, as `widen` leaves those of the weights.
static void halve(const float* x, int64_t stride, int64_t row, const Halved& into) {
  const float* from = x + row * stride;
  for (int64_t g = 0; g < into.groups(); g += Halved::STRETCH) {
    uint16_t* to = into.numbers + into.first(row / TILE_ROWS, g) + row % TILE_ROWS * GROUP;
    for (int64_t i = 0; i < into.count(g); i++, from += GROUP, to += Halved::TILE) {
      const vi half = (vi)_mm512_cvtne2ps_pbh(load(from + W), load(from));
      constexpr int SWAPPED = 0xd8;  // 0, 2, 1, 3
      _mm512_storeu_si512(to, _mm512_shufflehi_epi16(_mm512_shufflelo_epi16(half, SWAPPED), SWAPPED));
    }
  }
}

// bf16 of two numbers a lane, the first below the second: their upper halves.
inline vi pair_up(vi first, vi second) {
  constexpr int EITHER = 0xf8;  // first | second & upper
  return _mm512_ternarylogic_epi32(_mm512_srli_epi32(first, 16), second, int_set1((int)0xffff0000), EITHER);
}

// Bytes that stand at bit PLACE of each lane, as numbers, rounded to bf16 (ties away from zero) in their upper halves.
template <int PLACE>
inline vi widened(vi codes, vf scale, vf minimum) {
  const vf code = _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(codes, PLACE), int_set1(255)));
  return _mm512_add_epi32(bits(fma(code, scale, minimum)), int_set1(0x8000));
}

// Four bits that stand at bit PLACE of each lane, 8 to 16, as numbers. With the bits of 2^(23 - PLACE) above them they are
// an fp32 that much too large, which `minimum` takes away. To bf16 their bits are cut off: FOR_CUT makes up for it.
template <int PLACE>
inline vi widened4(vi codes, vf scale, vf minimum) {
  constexpr int PLACED = 0xea;  // codes & mask | above
  constexpr int mask = 15 << PLACE, above = (127 + 23 - PLACE) << 23;
  const vi number = _mm512_ternarylogic_epi32(codes, int_set1(mask), int_set1(above), PLACED);
  return bits(fma(_mm512_castsi512_ps(number), scale, minimum));
}
constexpr float FOR_CUT = 1.0f + 0.0027f;  // half a unit of the last place, of a number between 1 and 2

// The weights of a panel's group as the unit takes them: [16 pairs of inputs][16 outputs][2]. Of each four inputs the
// pairs are 0 and 2, 1 and 3: such lie 16 bits apart.
template <int BITS, Scales KIND, bool MINIMA>
inline void widen(const Quantised& q, int64_t panel, int64_t groups, int64_t g, uint16_t* into) {
  constexpr bool HALVES_APART = KIND == Scales::super6;
  const uint8_t* codes = q.codes + (panel * groups + g) * (BITS * 64);
  Factors f = factors<KIND, MINIMA>(q, panel, groups, g, 0);
  if constexpr (KIND == Scales::byte) {
    f.scale[0] = mul(f.scale[0], load(q.row_scale + panel * PANEL));
    if constexpr (MINIMA) f.minimum = mul(f.minimum, load(q.row_minimum + panel * PANEL));
  }
  if constexpr (!HALVES_APART) f.scale[1] = f.scale[0];
  const vf offset = set1(-(float)q.offset);
  const vf scale[2] = {f.scale[0], f.scale[1]};
  const vf minimum[2] = {MINIMA ? f.minimum : mul(scale[0], offset), MINIMA ? f.minimum : mul(scale[1], offset)};
  const auto put = [&](int quad, int which, vi first, vi second) {
    _mm512_store_si512(into + (2 * quad + which) * 32, pair_up(first, second));
  };
  const auto bytes = [&](int quad, vi w) {
    const vf own = scale[quad / 4], least = minimum[quad / 4];
    put(quad, 0, widened<0>(w, own, least), widened<16>(w, own, least));
    put(quad, 1, widened<8>(w, own, least), widened<24>(w, own, least));
  };
  if constexpr (BITS == 8) {
    UNROLL
    for (int i = 0; i < 8; i++) bytes(i, load_bytes(codes + 64 * i));
  } else if (!MINIMA && q.has_table) {
    const vi table = table_of(q.table);
    for (int i = 0; i < 4; i++) {
      const vi both = load_bytes(codes + 64 * i);
      bytes(i, look_up(table, low_nibbles(both)));
      bytes(i + 4, look_up(table, high_nibbles(both)));
    }
  } else {
    const vf own = mul(scale[0], set1(FOR_CUT)), least = mul(minimum[0], set1(FOR_CUT));
    const vf at8 = fnma(own, set1(32768.0f), least), at12 = fnma(own, set1(2048.0f), least), at16 = fnma(own, set1(128.0f), least);
    UNROLL
    for (int i = 0; i < 4; i++) {
      const vi w = load_bytes(codes + 64 * i), up = _mm512_slli_epi32(w, 8), down = _mm512_srli_epi32(w, 12);
      put(i, 0, widened4<8>(up, own, at8), widened4<16>(w, own, at16));
      put(i, 1, widened4<8>(w, own, at8), widened4<12>(down, own, at12));
      put(i + 4, 0, widened4<12>(up, own, at12), widened4<8>(down, own, at8));
      put(i + 4, 1, widened4<12>(w, own, at12), widened4<16>(down, own, at16));
    }
  }
}

// Sums of ROWS times 16 rows with PANELS panels over `count` groups: registers 0 to 3 sums, 4 and 5 activations, 6 and 7
// weights. `sums` [ROWS][PANELS][16][16] goes on, or begins where it is `fresh`.
template <int ROWS, int PANELS>
inline void sum_up(const uint16_t* x, const uint16_t* weights, int64_t count, float* sums, bool fresh) {
  constexpr int64_t LINE = 64;
  const auto each = [&](auto f) {
    f(std::integral_constant<int, 0>());
    if constexpr (PANELS > 1) f(std::integral_constant<int, 1>());
    if constexpr (ROWS > 1) {
      f(std::integral_constant<int, 2>());
      if constexpr (PANELS > 1) f(std::integral_constant<int, 3>());
    }
  };
  const auto place = [&](int tile) { return sums + (tile / 2 * PANELS + tile % 2) * TILE_ROWS * PANEL; };
  each([&](auto tile) {
    constexpr int T = decltype(tile)::value;
    if (fresh) tile_zero<T>();
    else tile_load<T>(place(T), LINE);
  });
  for (int64_t i = 0; i < count; i++, x += Halved::TILE, weights += Halved::TILE) {
    tile_load<4>(x, LINE);
    tile_load<6>(weights, LINE);
    tile_multiply_bf16<0, 4, 6>();
    if constexpr (PANELS > 1) tile_load<7>(weights + Halved::STRETCH * Halved::TILE, LINE), tile_multiply_bf16<1, 4, 7>();
    if constexpr (ROWS > 1) {
      tile_load<5>(x + count * Halved::TILE, LINE);
      tile_multiply_bf16<2, 5, 6>();
      if constexpr (PANELS > 1) tile_multiply_bf16<3, 5, 7>();
    }
  }
  each([&](auto tile) { tile_store<decltype(tile)::value>(place(decltype(tile)::value), LINE); });
}

template <class T>
inline T* aligned(std::vector<T>& block, int64_t count) {
  constexpr size_t LINE = 64;
  block.resize(std::max(block.size(), count + LINE / sizeof(T)));
  return (T*)(((uintptr_t)block.data() + LINE - 1) / LINE * LINE);
}

template <int BITS, Scales KIND, bool MINIMA>
static void read_panels(const Quantised& q, const Halved& x, int64_t panel, int panels, int64_t from, int64_t to, float* y,
                        int64_t stride, bool plus) {
  static thread_local std::vector<float> kept;
  static thread_local std::vector<uint16_t> room;
  const int64_t groups = x.groups(), blocks = x.blocks(), tile = TILE_ROWS * PANEL;
  float* sums = aligned(kept, blocks * panels * tile);
  uint16_t* weights = aligned(room, 2 * Halved::STRETCH * Halved::TILE);
  Shapes s;
  for (int t = 0; t < 8; t++) s.rows[t] = TILE_ROWS, s.bytes[t] = 64;
  take(s);
  for (int64_t g = from; g < to; g += Halved::STRETCH) {
    const int64_t count = x.count(g);
    for (int p = 0; p < panels; p++)
      for (int64_t i = 0; i < count; i++)
        widen<BITS, KIND, MINIMA>(q, panel + p, groups, g + i, weights + (p * Halved::STRETCH + i) * Halved::TILE);
    int64_t b = 0;
    const auto some = [&](auto rows) {
      const uint16_t* numbers = x.numbers + x.first(b, g);
      float* into = sums + b * panels * tile;
      if (panels == 2) sum_up<decltype(rows)::value, 2>(numbers, weights, count, into, g == from);
      else sum_up<decltype(rows)::value, 1>(numbers, weights, count, into, g == from);
    };
    for (; b + 2 <= blocks; b += 2) some(std::integral_constant<int, 2>());
    if (b < blocks) some(std::integral_constant<int, 1>());
  }
  for (int64_t row = 0; row < x.rows; row++)
    for (int p = 0; p < panels; p++) {
      const int64_t column = (panel + p) * PANEL;
      const float* sum = sums + ((row / TILE_ROWS * panels + p) * TILE_ROWS + row % TILE_ROWS) * PANEL;
      finish<false, false>(q, load(sum), zero(), column, y + row * stride + column, plus);
    }
}

static void read(const Quantised& layer, const Halved& x, int64_t panel, int panels, int64_t from, int64_t to, float* y,
                 int64_t stride, bool plus) {
  Quantised q = layer;
  if (from) q.bias = nullptr;
  const auto with = [&](auto how) { how(q, x, panel, panels, from, to, y, stride, plus); };
  if (q.bits == 8) {
    if (q.kind == Scales::super6) return with(read_panels<8, Scales::super6, false>);
    if (q.kind == Scales::byte) return with(read_panels<8, Scales::byte, false>);
    return with(read_panels<8, Scales::half, false>);
  }
  if (q.kind == Scales::half) return with(q.minima ? read_panels<4, Scales::half, true> : read_panels<4, Scales::half, false>);
  if (q.kind == Scales::byte) return with(q.minima ? read_panels<4, Scales::byte, true> : read_panels<4, Scales::byte, false>);
  return with(read_panels<4, Scales::super4, true>);
}

}  // namespace ASTRA_ISA
