// Attention of a training pass for bf16, with products of bf16 pairs: blocks of 64 queries against blocks of 64 keys, and
// no scores in memory. Forward with a running maximum, backward from the log-sums: Dao et al. 2022 (arXiv 2205.14135),
// algorithms 1 and 4.

namespace ASTRA_ISA {
using namespace astra;

#if defined(ASTRA_BF16)

constexpr int64_t SIDE = TRAINING_BLOCK, STRIPE = 16;

// c [rows, cols] (+)= the sum over pairs p of a[row, p] b[p, col]; rows of 4, cols of 16.
template <int N>
inline void pair_tile(const uint32_t* a, int64_t a_row, int64_t a_pair, const uint32_t* b, int64_t b_pair,
                      int64_t pairs, float* c, int64_t c_row, bool plus) {
  vf total[4][N];
  for (int m = 0; m < 4; m++)
    for (int n = 0; n < N; n++) total[m][n] = plus ? load(c + m * c_row + n * W) : zero();
  for (int64_t p = 0; p < pairs; p++) {
    vi right[N];
    for (int n = 0; n < N; n++) right[n] = _mm512_loadu_si512(b + p * b_pair + n * W);
    for (int m = 0; m < 4; m++) {
      const vi left = _mm512_set1_epi32((int)a[m * a_row + p * a_pair]);
      for (int n = 0; n < N; n++) total[m][n] = dot2(total[m][n], left, right[n]);
    }
  }
  for (int m = 0; m < 4; m++)
    for (int n = 0; n < N; n++) store(c + m * c_row + n * W, total[m][n]);
}

inline void pair_product(const uint32_t* a, int64_t a_row, int64_t a_pair, const uint32_t* b, int64_t b_pair,
                         int64_t pairs, float* c, int64_t c_row, int64_t rows, int64_t cols, bool plus) {
  for (int64_t n = 0; n < cols;) {
    const int64_t left = (cols - n) / W;
    for (int64_t m = 0; m < rows; m += 4) {
      const uint32_t* from = a + m * a_row;
      float* into = c + m * c_row + n;
      switch (left) {
        case 1: pair_tile<1>(from, a_row, a_pair, b + n, b_pair, pairs, into, c_row, plus); break;
        case 2: pair_tile<2>(from, a_row, a_pair, b + n, b_pair, pairs, into, c_row, plus); break;
        case 3: pair_tile<3>(from, a_row, a_pair, b + n, b_pair, pairs, into, c_row, plus); break;
        default: pair_tile<4>(from, a_row, a_pair, b + n, b_pair, pairs, into, c_row, plus);
      }
    }
    n += std::min<int64_t>(left, 4) * W;
  }
}

// Up to 64 rows of x into [64, padded], zeros around.
inline void pad_block(const uint16_t* x, int64_t stride, int64_t count, int64_t width, int64_t padded, uint16_t* into) {
  for (int64_t i = 0; i < SIDE; i++) {
    const int64_t some = i < count ? width : 0;
    if (some) std::memcpy(into + i * padded, x + i * stride, 2 * some);
    if (some < padded) std::memset(into + i * padded + some, 0, 2 * (padded - some));
  }
}

// [64, padded] → [padded / 2, 64]: pairs of neighbours in a row
inline void pairs_across(const uint16_t* block, int64_t padded, uint32_t* into) {
  const uint32_t* from = (const uint32_t*)block;
  const int64_t half = padded / 2;
  for (int64_t i = 0; i < SIDE; i++)
    for (int64_t d = 0; d < half; d++) into[d * SIDE + i] = from[i * half + d];
}

// [64, padded] → [32, padded]: pairs of neighbours in a column
inline void pairs_down(const uint16_t* block, int64_t padded, uint32_t* into) {
  for (int64_t i = 0; i < SIDE / 2; i++) {
    const uint16_t *upper = block + 2 * i * padded, *lower = upper + padded;
    for (int64_t d = 0; d < padded; d++) into[i * padded + d] = upper[d] | (uint32_t)lower[d] << 16;
  }
}

inline vi widened_bf16(vf x) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x)); }

static void attention_pack(const TrainingAttention& a, const TrainingRow& row, int64_t block, int64_t kv_head) {
  alignas(64) uint16_t whole[SIDE * TRAINING_WIDTH];
  const int64_t at = block * SIDE, count = std::min(SIDE, row.length - at), padded = a.padded;
  const int64_t place = a.place(row, block, kv_head) * a.block_pairs();
  pad_block(a.k + (row.start + at) * a.k_row + kv_head * a.width, a.k_row, count, a.width, padded, whole);
  pairs_across(whole, padded, a.keys_across + place);
  if (a.keys_down) pairs_down(whole, padded, a.keys_down + place);
  pad_block(a.v + (row.start + at) * a.v_row + kv_head * a.width, a.v_row, count, a.width, padded, whole);
  if (a.values_across) pairs_across(whole, padded, a.values_across + place);
  if (a.values_down) pairs_down(whole, padded, a.values_down + place);
}

// Which keys of a block a query sees.
struct Sight {
  int64_t from, to;
  Sight(const TrainingAttention& a, int64_t query, int64_t block) {
    to = std::min(SIDE, query + 1 - block * SIDE);
    from = a.window ? std::max<int64_t>(0, query + 1 - a.window - block * SIDE) : 0;
  }
};

inline int64_t first_block(const TrainingAttention& a, int64_t query) {
  return a.window ? std::max<int64_t>(0, query + 1 - a.window) / SIDE : 0;
}

inline __mmask16 lanes(int64_t from, int64_t to, int64_t at) {
  const int64_t low = std::min<int64_t>(16, std::max<int64_t>(0, from - at));
  const int64_t high = std::min<int64_t>(16, std::max<int64_t>(low, to - at));
  return (__mmask16)(((1u << high) - 1) & ~((1u << low) - 1));
}

static void attention_forward(const TrainingAttention& a, const TrainingRow& row, int64_t block, int64_t head) {
  alignas(64) uint16_t queries[SIDE * TRAINING_WIDTH], weights[SIDE * SIDE];
  alignas(64) float scores[SIDE * SIDE], result[SIDE * TRAINING_WIDTH];
  float most[SIDE], total[SIDE];
  const int64_t at = block * SIDE, count = std::min(SIDE, row.length - at), padded = a.padded;
  const int64_t kv_head = head / (a.heads / a.kv_heads);
  pad_block(a.q + (row.start + at) * a.q_row + head * a.width, a.q_row, count, a.width, padded, queries);
  std::fill(most, most + SIDE, -INFINITY);
  std::fill(total, total + SIDE, 0.0f);
  std::fill(result, result + SIDE * padded, 0.0f);
  for (int64_t other = first_block(a, at); other <= block; other++) {
    const int64_t place = a.place(row, other, kv_head) * a.block_pairs();
    for (int64_t s = 0; s < count; s += STRIPE) {
      const int64_t seen = other == block ? s + STRIPE : SIDE;  // nobody in the stripe looks further
      pair_product((const uint32_t*)(queries + s * padded), padded / 2, 1, a.keys_across + place, SIDE, padded / 2,
                   scores, SIDE, STRIPE, seen, false);
      for (int64_t i = 0; i < STRIPE; i++) {
        const Sight sight(a, at + s + i, other);
        float* x = scores + i * SIDE;
        uint16_t* w = weights + i * SIDE;
        vf largest_yet = set1(-INFINITY);
        for (int64_t j = 0; j < seen; j += W) {
          const vf value = _mm512_mask_blend_ps(lanes(sight.from, sight.to, j), set1(-INFINITY), load(x + j));
          store(x + j, value);
          largest_yet = maximum(value, largest_yet);
        }
        const float before = most[s + i], now = std::max(before, a.scale * largest(largest_yet));
        if (now == -INFINITY) {
          std::memset(w, 0, 2 * seen);
          continue;
        }
        vf sums = zero();
        for (int64_t j = 0; j < seen; j += W) {
          const vf e = _mm512_maskz_mov_ps(lanes(sight.from, sight.to, j),
                                           exponential(fma(load(x + j), set1(a.scale), set1(-now))));
          sums = add(sums, e);
          _mm256_store_si256((__m256i*)(w + j), (__m256i)_mm512_cvtneps_pbh(e));
        }
        const float kept = std::exp(before - now);
        most[s + i] = now;
        total[s + i] = total[s + i] * kept + sum(sums);
        if (kept != 1.0f)
          for (int64_t d = 0; d < padded; d += W) {
            float* r = result + (s + i) * padded + d;
            store(r, mul(load(r), set1(kept)));
          }
      }
      pair_product((const uint32_t*)weights, SIDE / 2, 1, a.values_down + place, padded, seen / 2, result + s * padded,
                   padded, STRIPE, padded, true);
    }
  }
  for (int64_t i = 0; i < count; i++) {
    const int64_t token = row.start + at + i;
    uint16_t* into = a.out + token * a.heads * a.width + head * a.width;
    a.logs[head * a.tokens + token] = most[i] + std::log(total[i]);
    const float share = 1.0f / total[i];
    for (int64_t d = 0; d < a.width; d++) store_one(into + d, result[i * padded + d] * share);
  }
}

static void attention_backward(const TrainingAttention& a, const TrainingRow& row, int64_t head) {
  alignas(64) uint16_t queries[SIDE * TRAINING_WIDTH], slopes[SIDE * TRAINING_WIDTH], by_row[SIDE * SIDE];
  alignas(64) uint32_t queries_down[SIDE / 2 * TRAINING_WIDTH], slopes_down[SIDE / 2 * TRAINING_WIDTH];
  alignas(64) uint32_t weights_down[SIDE / 2 * SIDE], by_column[SIDE / 2 * SIDE];
  alignas(64) float scores[SIDE * SIDE], changes[SIDE * SIDE], by_query[SIDE * TRAINING_WIDTH];
  float shared[SIDE];
  const int64_t padded = a.padded, kv_head = head / (a.heads / a.kv_heads), wide = a.heads * a.width;
  const int64_t begin = (head * a.blocks + row.block) * SIDE * padded;
  float *by_key = a.by_key + begin, *by_value = a.by_value + begin;
  std::memset(by_key, 0, row.blocks() * SIDE * padded * sizeof(float));
  std::memset(by_value, 0, row.blocks() * SIDE * padded * sizeof(float));
  for (int64_t block = 0; block < row.blocks(); block++) {
    const int64_t at = block * SIDE, count = std::min(SIDE, row.length - at), token = row.start + at;
    pad_block(a.q + token * a.q_row + head * a.width, a.q_row, count, a.width, padded, queries);
    pad_block(a.slope + token * wide + head * a.width, wide, count, a.width, padded, slopes);
    pairs_down(queries, padded, queries_down);
    pairs_down(slopes, padded, slopes_down);
    for (int64_t i = 0; i < count; i++) {
      const uint16_t *d = a.slope + (token + i) * wide + head * a.width, *o = a.out + (token + i) * wide + head * a.width;
      vf sums = zero();
      int64_t n = 0;
      for (; n + W <= a.width; n += W) sums = fma(load(d + n), load(o + n), sums);
      shared[i] = sum(sums);
      for (; n < a.width; n++) shared[i] += load_one(d + n) * load_one(o + n);
    }
    std::fill(by_query, by_query + SIDE * padded, 0.0f);
    for (int64_t other = first_block(a, at); other <= block; other++) {
      const int64_t place = a.place(row, other, kv_head) * a.block_pairs();
      const bool diagonal = other == block;
      for (int64_t s = 0; s < SIDE; s += STRIPE) {
        const int64_t seen = diagonal ? s + STRIPE : SIDE;
        const int64_t half = padded / 2;
        const uint32_t *q = (const uint32_t*)(queries + s * padded), *d = (const uint32_t*)(slopes + s * padded);
        pair_product(q, half, 1, a.keys_across + place, SIDE, half, scores + s * SIDE, SIDE, STRIPE, seen, false);
        pair_product(d, half, 1, a.values_across + place, SIDE, half, changes + s * SIDE, SIDE, STRIPE, seen, false);
      }
      for (int64_t i = 0; i < SIDE; i += 2) {
        const int64_t seen = diagonal ? i / STRIPE * STRIPE + STRIPE : SIDE;
        for (int64_t j = 0; j < seen; j += W) {
          vi w[2], d[2];
          for (int r = 0; r < 2; r++) {
            const int64_t line = i + r;
            const bool there = line < count;
            const Sight sight(a, at + line, other);
            const __mmask16 mask = there ? lanes(sight.from, sight.to, j) : 0;
            const float log = there ? a.logs[head * a.tokens + token + line] : 0.0f;
            const vf weight = _mm512_maskz_mov_ps(
                mask, exponential(fma(load(scores + line * SIDE + j), set1(a.scale), set1(-log))));
            const vf change = sub(load(changes + line * SIDE + j), set1(there ? shared[line] : 0.0f));
            w[r] = widened_bf16(weight);
            d[r] = widened_bf16(_mm512_maskz_mov_ps(mask, mul(mul(weight, change), set1(a.scale))));
            _mm256_store_si256((__m256i*)(by_row + line * SIDE + j), _mm512_cvtepi32_epi16(d[r]));
          }
          _mm512_store_si512(weights_down + i / 2 * SIDE + j, _mm512_or_si512(w[0], _mm512_slli_epi32(w[1], 16)));
          _mm512_store_si512(by_column + i / 2 * SIDE + j, _mm512_or_si512(d[0], _mm512_slli_epi32(d[1], 16)));
        }
      }
      for (int64_t s = 0; s < SIDE; s += STRIPE) {
        const int64_t skip = diagonal ? s / 2 : 0, seen = diagonal ? s + STRIPE : SIDE;  // pairs of queries before; keys
        const int64_t keys = (other * SIDE + s) * padded, pairs = SIDE / 2 - skip;
        pair_product(weights_down + skip * SIDE + s, 1, SIDE, slopes_down + skip * padded, padded, pairs,
                     by_value + keys, padded, STRIPE, padded, true);
        pair_product(by_column + skip * SIDE + s, 1, SIDE, queries_down + skip * padded, padded, pairs, by_key + keys,
                     padded, STRIPE, padded, true);
        pair_product((const uint32_t*)(by_row + s * SIDE), SIDE / 2, 1, a.keys_down + place, padded, seen / 2,
                     by_query + s * padded, padded, STRIPE, padded, true);
      }
    }
    for (int64_t i = 0; i < count; i++)
      for (int64_t d = 0; d < a.width; d++)
        store_one(a.by_query + (token + i) * wide + head * a.width + d, by_query[i * padded + d]);
  }
}

// The heads that share a key add up.
static void attention_gather(const TrainingAttention& a, const TrainingRow& row, int64_t block, int64_t kv_head) {
  const int64_t at = block * SIDE, count = std::min(SIDE, row.length - at), group = a.heads / a.kv_heads;
  for (const bool value : {false, true}) {
    const float* from = value ? a.by_value : a.by_key;
    uint16_t* into = value ? a.values_slope : a.keys_slope;
    for (int64_t i = 0; i < count; i++)
      for (int64_t d = 0; d < a.width; d++) {
        float total = 0.0f;
        for (int64_t g = 0; g < group; g++)
          total += from[(((kv_head * group + g) * a.blocks + row.block + block) * SIDE + i) * a.padded + d];
        store_one(into + (row.start + at + i) * a.kv_heads * a.width + kv_head * a.width + d, total);
      }
  }
}

static const TrainingAttentionKernels* training_attention() {
  static const TrainingAttentionKernels table = {attention_pack, attention_forward, attention_backward, attention_gather};
  return &table;
}

#else

static const TrainingAttentionKernels* training_attention() { return nullptr; }

#endif

}  // namespace ASTRA_ISA
