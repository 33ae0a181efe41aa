// Attention over a paged cache. Keys lie [numbers, 32 positions] a page, so that one vector holds a number of 16
// positions; values lie [32 positions, numbers]. In bf16 two numbers of a key, and two positions of a value, lie side by
// side: the processor multiplies such pairs at once, and where it cannot, a shift takes them apart.

namespace ASTRA_ISA {
using namespace astra;

// How an fp32 cache is read: one number a step.
struct Plain {
  static constexpr int NUMBERS = 1;
  using Stored = float;
  using Factor = float;
  using Vector = vf;
  static vf load(const float* p) { return ASTRA_ISA::load(p); }
  static vf spread(float x) { return set1(x); }
  static vf multiply(vf held, vf factor, vf total) { return fma(held, factor, total); }
  static void factors(const float* x, int64_t n, float* into) { std::memcpy(into, x, n * sizeof(float)); }
  static void weights(float*, int64_t) {}
  static const float* weights_at(const float* scores, int64_t, int64_t at) { return scores + at; }
};

#if defined(ASTRA_BF16)
// How a bf16 cache is read: a pair a step. Queries and weights are rounded to bf16 too.
struct Halves {
  static constexpr int NUMBERS = 2;
  using Stored = uint16_t;
  using Factor = uint32_t;
  using Vector = vi;
  static vi load(const uint16_t* p) { return load_bytes((const uint8_t*)p); }
  static vi spread(uint32_t x) { return int_set1((int)x); }
  static vf multiply(vi held, vi factor, vf total) { return dot2(total, held, factor); }
  static void factors(const float* x, int64_t n, uint32_t* into) {
    int64_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) store_bf16((uint16_t*)into + i, ASTRA_ISA::load(x + i), ASTRA_ISA::load(x + i + W));
    for (; i < n; i++) store_one((uint16_t*)into + i, x[i]);
    if (n % 2) ((uint16_t*)into)[n] = 0;
  }
  // In place, from the first on: what is written lies behind what is still to be read.
  static void weights(float* s, int64_t n) {
    for (int64_t i = 0; i < n; i += 2 * W) store_bf16((uint16_t*)s + i, ASTRA_ISA::load(s + i), ASTRA_ISA::load(s + i + W));
  }
  static const uint32_t* weights_at(const float* scores, int64_t low, int64_t at) {
    return (const uint32_t*)(scores + low) + (at - low) / 2;
  }
};
#else
// How a bf16 cache is read: a pair a step, taken apart.
struct Halves {
  static constexpr int NUMBERS = 2;
  using Stored = uint16_t;
  struct Factor {
    float first, second;
  };
  struct Vector {
    vf first, second;
  };
  struct Spread {
    vf first, second;
  };
  static Vector load(const uint16_t* p) {
    const vi pairs = load_bytes((const uint8_t*)p);
    return {lower_bf16(pairs), upper_bf16(pairs)};
  }
  static Spread spread(const Factor& x) { return {set1(x.first), set1(x.second)}; }
  static vf multiply(const Vector& held, const Spread& factor, vf total) {
    return fma(held.second, factor.second, fma(held.first, factor.first, total));
  }
  static void factors(const float* x, int64_t n, Factor* into) {
    std::memcpy(into, x, n * sizeof(float));
    if (n % 2) ((float*)into)[n] = 0;
  }
  static void weights(float*, int64_t) {}
  static const Factor* weights_at(const float* scores, int64_t, int64_t at) { return (const Factor*)(scores + at); }
};
#endif

// Turn queries and keys, and put keys and values into their pages.
template <class S>
static void keep_token(const Attention& a, const Segment& segment, int64_t token) {
  using T = typename S::Stored;
  constexpr int N = S::NUMBERS;
  const int64_t position = segment.position + token, row = segment.token + token;
  const int64_t half = a.rotary / 2;
  const auto turn = [&](float* __restrict x) {
    const float *__restrict c = a.cosine + position * half, *__restrict s = a.sine + position * half;
    for (int64_t i = 0; i < half; i++) {
      const float left = x[i], right = x[i + half];
      x[i] = left * c[i] - right * s[i];
      x[i + half] = right * c[i] + left * s[i];
    }
  };
  if (a.cosine) {
    for (int64_t head = 0; head < a.heads; head++) turn(a.q + row * a.q_row + head * a.q_head);
    for (int64_t head = 0; head < a.kv_heads; head++) turn(a.k + row * a.k_row + head * a.k_head);
  }
  const int64_t page = segment.pages[position / PAGE], slot = position % PAGE;
  for (int64_t head = 0; head < a.kv_heads; head++) {
    const float* k = a.k + row * a.k_row + head * a.k_head;
    T* keys = (T*)a.keys + (page * a.kv_heads + head) * ((a.width + N - 1) / N * N) * PAGE + slot * N;
    for (int64_t i = 0; i < a.width; i++) store_one(keys + i / N * PAGE * N + i % N, k[i]);
    const float* v = a.v + row * a.v_row + head * a.v_head;
    T* values = (T*)a.values + ((page * a.kv_heads + head) * PAGE + slot / N * N) * a.padded_width + slot % N;
    for (int64_t i = 0; i < a.width; i++) store_one(values + i * N, v[i]);
  }
}

static void keep(const Attention& a, const Segment& segment, int64_t token) {
  if (a.half) keep_token<Halves>(a, segment, token);
  else keep_token<Plain>(a, segment, token);
}

// Products summed over `steps`: into[n][lane] (+)= sum of p[step][lane] q[n][step], for N queries and V vectors of lanes.
template <class S, int V, int N>
inline void block(const typename S::Stored* p, int64_t lanes, int64_t steps, const typename S::Factor* q,
                  int64_t q_stride, float* into, int64_t into_stride, bool fresh) {
  vf total[N][V];
  for (int n = 0; n < N; n++)
    for (int v = 0; v < V; v++) total[n][v] = fresh ? zero() : load(into + n * into_stride + v * W);
  for (int64_t i = 0; i < steps; i++, p += lanes * S::NUMBERS) {
    typename S::Vector held[V];
    for (int v = 0; v < V; v++) held[v] = S::load(p + v * W * S::NUMBERS);
    for (int n = 0; n < N; n++) {
      const auto factor = S::spread(q[n * q_stride + i]);
      for (int v = 0; v < V; v++) total[n][v] = S::multiply(held[v], factor, total[n][v]);
    }
  }
  for (int n = 0; n < N; n++)
    for (int v = 0; v < V; v++) store(into + n * into_stride + v * W, total[n][v]);
}

// The same for any number of queries, MOST at a time.
template <class S, int V, int MOST>
inline void blocks(int64_t queries, const typename S::Stored* p, int64_t lanes, int64_t steps,
                   const typename S::Factor* q, int64_t q_stride, float* into, int64_t into_stride, bool fresh) {
  for (; queries >= MOST; queries -= MOST, q += MOST * q_stride, into += MOST * into_stride)
    block<S, V, MOST>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
  switch (queries) {
    case 7: if constexpr (MOST > 7) return block<S, V, 7>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    case 6: if constexpr (MOST > 6) return block<S, V, 6>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    case 5: if constexpr (MOST > 5) return block<S, V, 5>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    case 4: if constexpr (MOST > 4) return block<S, V, 4>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    case 3: return block<S, V, 3>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    case 2: return block<S, V, 2>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    case 1: return block<S, V, 1>(p, lanes, steps, q, q_stride, into, into_stride, fresh);
    default: return;
  }
}

// Scores to weights, for one query: scores outside begin..end weigh nothing at all. Gives the weights' sum.
static float weigh(float* s, int64_t low, int64_t begin, int64_t end, int64_t high, float scale, float& most) {
  const auto outside = [&](float with) {
    for (int64_t i = low; i < begin; i++) s[i] = with;
    for (int64_t i = end; i < high; i++) s[i] = with;
  };
  outside(-INFINITY);
  vf largest_of = set1(-INFINITY);
  for (int64_t i = low; i < high; i += W) largest_of = maximum(load(s + i), largest_of);  // what is no number is passed over
  most = largest(largest_of);
  for (int64_t i = low; i < high; i += W) store(s + i, exponential(mul(sub(load(s + i), set1(most)), set1(scale))));
  outside(0);
  vf total = zero();
  for (int64_t i = low; i < high; i += W) total = add(total, load(s + i));
  return sum(total);
}

// How S multiplies: the scores of a page's positions, and a weighted sum of the values of some pages.
template <class S>
struct Vectors : S {
  static constexpr int V = 2, MOST = W == 16 ? 8 : 4;
  using Stored = typename S::Stored;
  using Factor = typename S::Factor;

  static void begin(const Attention&, int64_t) {}

  // `into` [queries, SPLIT], from the page's first position on.
  static void score(const Attention&, int64_t queries, const Stored* keys, int64_t steps, const Factor* factors, float* into) {
    for (int64_t i = 0; i < PAGE; i += V * W)
      blocks<S, V, MOST>(queries, keys + i * S::NUMBERS, PAGE, steps, factors, steps, into + i, SPLIT, true);
  }

  // `into` [queries, padded_width], `record` numbers from one to the next.
  template <class Page>
  static void mix(const Attention& a, int64_t queries, Page page, int64_t first, int64_t end, int64_t last,
                  const float* scores, int64_t from, int64_t low, float* into, int64_t record) {
    constexpr int64_t stride = SPLIT * sizeof(float) / sizeof(Factor);
    for (int64_t n = first; n < end; n++) {
      const Stored* values = page(n);
      const int64_t count = (std::min<int64_t>(last - n * PAGE, PAGE) + S::NUMBERS - 1) / S::NUMBERS;
      const Factor* w = S::weights_at(scores, low - from, n * PAGE - from);
      const bool fresh = n == first;
      int64_t d = 0;
      for (; d + 2 * V * W <= a.padded_width && W == 16; d += 2 * V * W)
        blocks<S, 2 * V, 4>(queries, values + d * S::NUMBERS, a.padded_width, count, w, stride, into + d, record, fresh);
      for (; d + V * W <= a.padded_width; d += V * W)
        blocks<S, V, 4>(queries, values + d * S::NUMBERS, a.padded_width, count, w, stride, into + d, record, fresh);
      for (; d < a.padded_width; d += W)
        blocks<S, 1, 4>(queries, values + d * S::NUMBERS, a.padded_width, count, w, stride, into + d, record, fresh);
    }
  }
};

// The queries `query`.. of a segment (their heads within the group first, then their tokens) over one split of the
// positions. Writes for each its largest score, its sum of exponentials, and its weighted sum of values. A page is read
// once for all queries.
template <class S>
static void attend_split(const Attention& a, const Segment& segment, int64_t kv_head, int64_t query, int64_t queries,
                         int64_t split, float* partial) {
  using Stored = typename S::Stored;
  using Factor = typename S::Factor;
  const int64_t group = a.heads / a.kv_heads, record = a.padded_width + 2;
  const int64_t from = split * SPLIT, steps = (a.width + S::NUMBERS - 1) / S::NUMBERS;
  static thread_local std::vector<Factor> factors;
  if ((int64_t)factors.size() < QUERIES * steps) factors.resize(QUERIES * steps);
  int64_t begin[QUERIES], end[QUERIES], first = INT64_MAX, last = 0;
  for (int64_t n = 0; n < queries; n++) {
    const int64_t token = (query + n) / group, head = (query + n) % group;
    S::factors(a.q + (segment.token + token) * a.q_row + (kv_head * group + head) * a.q_head, a.width,
               factors.data() + n * steps);
    const int64_t seen = segment.position + token + 1;
    begin[n] = a.window > 0 && seen > a.window ? seen - a.window : 0;
    end[n] = seen < from + SPLIT ? seen : from + SPLIT;
    if (begin[n] < from) begin[n] = from;
    if (begin[n] < first) first = begin[n];
    if (end[n] > last) last = end[n];
  }
  alignas(64) float scores[QUERIES * SPLIT];
  const int64_t first_page = first / PAGE, last_page = (last + PAGE - 1) / PAGE;
  const int64_t key_page = steps * PAGE * S::NUMBERS, value_page = PAGE * a.padded_width;
  const auto number_of = [&](int64_t page) { return (int64_t)segment.pages[page] * a.kv_heads + kv_head; };
  S::begin(a, queries);
  for (int64_t page = first_page; page < last_page; page++)
    S::score(a, queries, (const Stored*)a.keys + number_of(page) * key_page, steps, factors.data(),
             scores + (page * PAGE - from));
  const int64_t low = first_page * PAGE, high = last_page * PAGE;
  for (int64_t n = 0; n < queries; n++) {
    float *s = scores + n * SPLIT - from, *own = partial + n * record, most;
    if (begin[n] >= end[n]) {
      for (int64_t i = low; i < high; i++) s[i] = 0;
      own[0] = -INFINITY, own[1] = 0;
    } else {
      own[1] = weigh(s, low, begin[n], end[n], high, a.scale, most);
      own[0] = most * a.scale;
    }
    S::weights(s + low, high - low);
  }
  S::mix(a, queries, [&](int64_t page) { return (const Stored*)a.values + number_of(page) * value_page; }, first_page,
         last_page, last, scores, from, low, partial + 2, record);
}

static void attend(const Attention& a, const Segment& segment, int64_t kv_head, int64_t query, int64_t queries,
                   int64_t split, float* partial) {
  if (a.half) attend_split<Vectors<Halves>>(a, segment, kv_head, query, queries, split, partial);
  else attend_split<Vectors<Plain>>(a, segment, kv_head, query, queries, split, partial);
}

}  // namespace ASTRA_ISA
