// Attention over a bf16 cache on the matrix unit: keys and values lie as it takes them, pairs of numbers side by side.

namespace ASTRA_ISA {

// What `attend_split` asks for. Shapes: 0 to 3 sums, 4 queries or weights, 5 keys or values, both of 16 pairs; 6 and 7
// what is left of a width that is no multiple of 32 numbers.
struct Tiles : Halves {
  static constexpr int64_t PAIRS = 16;

  static void begin(const Attention& a, int64_t queries) {
    const int left = (int)((a.width + 1) / 2 % PAIRS);
    Shapes s;
    for (int t : {0, 1, 2, 3, 4}) s.rows[t] = (uint8_t)queries, s.bytes[t] = 64;
    s.rows[5] = PAIRS, s.bytes[5] = 64;
    if (left) {
      s.rows[6] = (uint8_t)queries, s.bytes[6] = (uint16_t)(4 * left);
      s.rows[7] = (uint8_t)left, s.bytes[7] = 64;
    }
    take(s);
  }

  static void score(const Attention&, int64_t, const uint16_t* keys, int64_t steps, const uint32_t* factors, float* into) {
    constexpr int64_t row = 2 * PAGE * sizeof(uint16_t), half = PAGE;
    tile_zero<0>(), tile_zero<1>();
    int64_t i = 0;
    for (; i + PAIRS <= steps; i += PAIRS, keys += PAIRS * 2 * PAGE) {
      tile_load<4>(factors + i, steps * sizeof *factors);
      tile_load<5>(keys, row);
      tile_multiply_bf16<0, 4, 5>();
      tile_load<5>(keys + half, row);
      tile_multiply_bf16<1, 4, 5>();
    }
    if (i < steps) {
      tile_load<6>(factors + i, steps * sizeof *factors);
      tile_load<7>(keys, row);
      tile_multiply_bf16<0, 6, 7>();
      tile_load<7>(keys + half, row);
      tile_multiply_bf16<1, 6, 7>();
    }
    tile_store<0>(into, SPLIT * sizeof *into);
    tile_store<1>(into + half / 2, SPLIT * sizeof *into);
  }

  template <class Page>
  static void mix(const Attention& a, int64_t, Page page, int64_t first, int64_t end, int64_t last, const float* scores,
                  int64_t from, int64_t low, float* into, int64_t record) {
    static thread_local std::vector<uint16_t> whole;
    const uint16_t* end_values = filled(page(end - 1), last - (end - 1) * PAGE, a.padded_width, whole);
    const auto some = [&](auto columns, int64_t d) {
      constexpr int N = decltype(columns)::value;
      tile_zero<0>();
      if constexpr (N > 1) tile_zero<1>();
      if constexpr (N > 2) tile_zero<2>();
      if constexpr (N > 3) tile_zero<3>();
      for (int64_t n = first; n < end; n++) {
        const uint16_t* values = (n == end - 1 ? end_values : page(n)) + 2 * d;
        const int64_t row = 2 * a.padded_width * sizeof *values;
        tile_load<4>(weights_at(scores, low - from, n * PAGE - from), SPLIT * sizeof *scores);
        tile_load<5>(values, row), tile_multiply_bf16<0, 4, 5>();
        if constexpr (N > 1) tile_load<5>(values + 32, row), tile_multiply_bf16<1, 4, 5>();
        if constexpr (N > 2) tile_load<5>(values + 64, row), tile_multiply_bf16<2, 4, 5>();
        if constexpr (N > 3) tile_load<5>(values + 96, row), tile_multiply_bf16<3, 4, 5>();
      }
      float* to = into + d;
      const int64_t stride = record * sizeof *into;
      tile_store<0>(to, stride);
      if constexpr (N > 1) tile_store<1>(to + 16, stride);
      if constexpr (N > 2) tile_store<2>(to + 32, stride);
      if constexpr (N > 3) tile_store<3>(to + 48, stride);
    };
    int64_t d = 0;
    for (; d + 64 <= a.padded_width; d += 64) some(std::integral_constant<int, 4>(), d);
    switch ((a.padded_width - d) / 16) {
      case 3: return some(std::integral_constant<int, 3>(), d);
      case 2: return some(std::integral_constant<int, 2>(), d);
      case 1: return some(std::integral_constant<int, 1>(), d);
    }
  }

 private:
  // The values of a page of which `count` positions are taken: what lies behind them may be no number, and no weight of
  // zero would make it one.
  static const uint16_t* filled(const uint16_t* values, int64_t count, int64_t width, std::vector<uint16_t>& room) {
    if (count >= PAGE) return values;
    room.assign(PAGE * width, 0);
    std::copy_n(values, count / 2 * 2 * width, room.data());
    if (count % 2)
      for (int64_t i = 0; i < width; i++) room[(count - 1) * width + 2 * i] = values[(count - 1) * width + 2 * i];
    return room.data();
  }
};

static void attend_on_tiles(const Attention& a, const Segment& segment, int64_t kv_head, int64_t query, int64_t queries,
                   int64_t split, float* partial) {
  if (a.half) attend_split<Tiles>(a, segment, kv_head, query, queries, split, partial);
  else kernels_avx512bf16()->attend(a, segment, kv_head, query, queries, split, partial);
}

}  // namespace ASTRA_ISA
