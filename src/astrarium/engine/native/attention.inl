// Attention over a paged cache. Keys lie [width, 32] a page, so that one vector holds a number of 16 positions.

namespace ASTRA_ISA {
using namespace astra;

constexpr int QUERIES = 8;  // that a pass over the cache serves

// Turn queries and keys, and put keys and values into their pages.
template <class T>
static void keep_token(const Attention& a, const Segment& segment, int64_t token) {
  const int64_t position = segment.position + token, row = segment.token + token;
  const int64_t half = a.rotary / 2;
  const auto turn = [&](float* x) {
    const float *c = a.cosine + position * half, *s = a.sine + position * half;
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
    T* keys = (T*)a.keys + (page * a.kv_heads + head) * a.width * PAGE + slot;
    for (int64_t i = 0; i < a.width; i++) store_one(keys + i * PAGE, k[i]);
    const float* v = a.v + row * a.v_row + head * a.v_head;
    T* values = (T*)a.values + ((page * a.kv_heads + head) * PAGE + slot) * a.padded_width;
    for (int64_t i = 0; i < a.width; i++) store_one(values + i, v[i]);
  }
}

static void keep(const Attention& a, const Segment& segment, int64_t token) {
  if (a.half) keep_token<uint16_t>(a, segment, token);
  else keep_token<float>(a, segment, token);
}

// Scores of N queries with the 32 positions of a page.
template <class T, int N>
inline void page_scores(const T* keys, const float* const* q, int64_t width, float* scores) {
  constexpr int V = PAGE / W;
  vf total[N][V];
  for (int n = 0; n < N; n++)
    for (int v = 0; v < V; v++) total[n][v] = zero();
  for (int64_t d = 0; d < width; d++) {
    vf k[V];
    for (int v = 0; v < V; v++) k[v] = load(keys + d * PAGE + v * W);
    for (int n = 0; n < N; n++) {
      const vf x = set1(q[n][d]);
      for (int v = 0; v < V; v++) total[n][v] = fma(k[v], x, total[n][v]);
    }
  }
  for (int n = 0; n < N; n++)
    for (int v = 0; v < V; v++) store(scores + n * SPLIT + v * W, total[n][v]);
}

// The queries `query`.. of a segment (their heads within the group first, then their tokens) over one split of the
// positions. Writes for each its largest score, its sum of exponentials, and its weighted sum of values.
template <class T>
static void attend_split(const Attention& a, const Segment& segment, int64_t kv_head, int64_t query, int64_t queries,
                         int64_t split, float* partial) {
  const int64_t group = a.heads / a.kv_heads, record = a.padded_width + 2;
  const int64_t from = split * SPLIT;
  const float* q[QUERIES];
  int64_t begin[QUERIES], end[QUERIES], first = INT64_MAX, last = 0;
  for (int64_t n = 0; n < QUERIES; n++) {
    const int64_t which = query + (n < queries ? n : queries - 1), token = which / group, head = which % group;
    q[n] = a.q + (segment.token + token) * a.q_row + (kv_head * group + head) * a.q_head;
    const int64_t seen = segment.position + token + 1;
    begin[n] = a.window > 0 && seen > a.window ? seen - a.window : 0;
    end[n] = seen < from + SPLIT ? seen : from + SPLIT;
    if (begin[n] < from) begin[n] = from;
    if (n < queries && begin[n] < first) first = begin[n];
    if (n < queries && end[n] > last) last = end[n];
  }
  alignas(64) float scores[QUERIES * SPLIT];
  const int64_t first_page = first / PAGE, last_page = (last + PAGE - 1) / PAGE;
  for (int64_t page = first_page; page < last_page; page++) {
    const T* keys = (const T*)a.keys + ((int64_t)segment.pages[page] * a.kv_heads + kv_head) * a.width * PAGE;
    float* into = scores + (page * PAGE - from);
    if (W == 16 && queries > 4) page_scores<T, QUERIES>(keys, q, a.width, into);
    else
      for (int64_t n = 0; n < queries; n += 2) page_scores<T, 2>(keys, q + n, a.width, into + n * SPLIT);
  }
  float weights_sum[QUERIES];
  const int64_t low = first_page * PAGE, high = last_page * PAGE;
  for (int64_t n = 0; n < queries; n++) {
    float* s = scores + n * SPLIT - from;
    float* record_of = partial + n * record;
    if (begin[n] >= end[n]) {
      record_of[0] = -INFINITY;
      for (int64_t i = low; i < high; i++) s[i] = 0;
      weights_sum[n] = 0;
      continue;
    }
    float most = -INFINITY;
    for (int64_t i = begin[n]; i < end[n]; i++) most = s[i] > most ? s[i] : most;
    for (int64_t i = low; i < begin[n]; i++) s[i] = -INFINITY;
    for (int64_t i = end[n]; i < high; i++) s[i] = -INFINITY;
    vf total = zero();
    for (int64_t i = low; i < high; i += W) {
      vf e = exponential(mul(sub(load(s + i), set1(most)), set1(a.scale)));
      store(s + i, e);
    }
    // What lies outside is nothing at all, not the smallest exponential.
    for (int64_t i = low; i < begin[n]; i++) s[i] = 0;
    for (int64_t i = end[n]; i < high; i++) s[i] = 0;
    for (int64_t i = low; i < high; i += W) total = add(total, load(s + i));
    weights_sum[n] = sum(total);
    record_of[0] = most * a.scale;
  }
  constexpr int D = 2;
  for (int64_t d = 0; d < a.padded_width; d += D * W) {
    const int vectors = a.padded_width - d >= D * W ? D : 1;
    for (int64_t n0 = 0; n0 < queries; n0 += 4) {
      const int64_t some = queries - n0 < 4 ? queries - n0 : 4;
      vf total[4][D];
      for (int n = 0; n < 4; n++)
        for (int v = 0; v < D; v++) total[n][v] = zero();
      for (int64_t page = first_page; page < last_page; page++) {
        const T* values =
            (const T*)a.values + ((int64_t)segment.pages[page] * a.kv_heads + kv_head) * PAGE * a.padded_width + d;
        const int64_t until = last - page * PAGE < PAGE ? last - page * PAGE : PAGE;
        const float* s = scores + (page * PAGE - from) + n0 * SPLIT;
        if (some == 4 && vectors == D) {
          for (int64_t i = 0; i < until; i++) {
            const vf v0 = load(values + i * a.padded_width), v1 = load(values + i * a.padded_width + W);
            for (int n = 0; n < 4; n++) {
              const vf w = set1(s[n * SPLIT + i]);
              total[n][0] = fma(w, v0, total[n][0]);
              total[n][1] = fma(w, v1, total[n][1]);
            }
          }
        } else {
          for (int64_t i = 0; i < until; i++)
            for (int v = 0; v < vectors; v++) {
              const vf value = load(values + i * a.padded_width + v * W);
              for (int64_t n = 0; n < some; n++) total[n][v] = fma(set1(s[n * SPLIT + i]), value, total[n][v]);
            }
        }
      }
      for (int64_t n = 0; n < some; n++)
        for (int v = 0; v < vectors; v++) store(partial + (n0 + n) * record + 2 + d + v * W, total[n][v]);
    }
  }
  for (int64_t n = 0; n < queries; n++) partial[n * record + 1] = weights_sum[n];
}

static void attend(const Attention& a, const Segment& segment, int64_t kv_head, int64_t query, int64_t queries,
                   int64_t split, float* partial) {
  if (a.half) attend_split<uint16_t>(a, segment, kv_head, query, queries, split, partial);
  else attend_split<float>(a, segment, kv_head, query, queries, split, partial);
}

}  // namespace ASTRA_ISA
