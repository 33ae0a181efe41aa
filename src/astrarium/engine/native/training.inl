// What lies between the products of a training pass, row by row. T is float or bf16 (uint16_t).

namespace ASTRA_ISA {
using namespace astra;

inline void put(float* p, vf x) { store(p, x); }
inline void put_part(float* p, vf x, int n) { store_part(p, x, n); }

#if defined(ASTRA_AVX512)
inline __m256i to_bf16(vf x) {  // to the nearest, ties to even
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16));
}
inline void put(uint16_t* p, vf x) { _mm256_storeu_si256((__m256i*)p, to_bf16(x)); }
#else
inline __m128i to_bf16(vf x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(up), _mm256_extracti128_si256(up, 1));
}
inline void put(uint16_t* p, vf x) { _mm_storeu_si128((__m128i*)p, to_bf16(x)); }
#endif
inline void put_part(uint16_t* p, vf x, int n) {
  uint16_t whole[W];
  put(whole, x);
  std::memcpy(p, whole, 2 * n);
}

template <class T>
inline float largest_of(const T* x, int64_t n) {
  vf most = set1(-INFINITY);
  int64_t i = 0;
  for (; i + W <= n; i += W) most = maximum(load(x + i), most);
  float found = n >= W ? largest(most) : -INFINITY;
  for (; i < n; i++) found = std::max(found, load_one(x + i));
  return found;
}

// log of the sum of e^(scale x), and the largest scale x in it
template <class T>
inline float log_sum(const T* x, int64_t n, float scale) {
  const float most = scale * largest_of(x, n);
  vf sums = zero();
  int64_t i = 0;
  for (; i + W <= n; i += W) sums = add(exponential(fma(load(x + i), set1(scale), set1(-most))), sums);
  float total = sum(sums);
  for (; i < n; i++) total += std::exp(scale * load_one(x + i) - most);
  return most + std::log(total);
}

// The cross-entropy of one row of logits; with `learns`, the row becomes its gradient.
template <class T>
float cross_entropy(T* x, int64_t n, int64_t target, bool learns) {
  const float log = log_sum(x, n, 1.0f), wanted = load_one(x + target);
  if (!std::isfinite(log)) return NAN;  // the largest of two cannot tell a NaN
  if (learns) {
    int64_t i = 0;
    for (; i + W <= n; i += W) put(x + i, exponential(sub(load(x + i), set1(log))));
    for (; i < n; i++) store_one(x + i, std::exp(load_one(x + i) - log));
    store_one(x + target, std::exp(wanted - log) - 1.0f);
  }
  return log - wanted;
}

template <class T>
inline void clear(T* x, int64_t from, int64_t to) {
  if (to > from) std::memset(x + from, 0, (to - from) * sizeof(T));
}

// Scores of one query become its weights over keys from..to; the others' are 0. The log-sum is returned.
template <class T>
float soften(T* x, int64_t n, int64_t from, int64_t to, float scale) {
  const float log = log_sum(x + from, to - from, scale);
  int64_t i = from;
  for (; i + W <= to; i += W) put(x + i, exponential(fma(load(x + i), set1(scale), set1(-log))));
  for (; i < to; i++) store_one(x + i, std::exp(scale * load_one(x + i) - log));
  clear(x, 0, from);
  clear(x, to, n);
  return log;
}

// Scores become weights again, and the gradients of weights those of scores: w (d - shared) scale.
template <class T>
void harden(T* x, T* d, int64_t n, int64_t from, int64_t to, float scale, float log, float shared) {
  int64_t i = from;
  for (; i + W <= to; i += W) {
    const vf w = exponential(fma(load(x + i), set1(scale), set1(-log)));
    put(x + i, w);
    put(d + i, mul(mul(w, sub(load(d + i), set1(shared))), set1(scale)));
  }
  for (; i < to; i++) {
    const float w = std::exp(scale * load_one(x + i) - log);
    store_one(x + i, w);
    store_one(d + i, w * (load_one(d + i) - shared) * scale);
  }
  clear(x, 0, from);
  clear(x, to, n);
  clear(d, 0, from);
  clear(d, to, n);
}

// The slope of the activation of a kind (1 gelu by tanh, 2 silu) at x, and its value in y.
inline vf slope(int kind, vf x, vf& y) {
  if (kind == 2) {
    const vf s = sigmoid(x);
    y = mul(x, s);
    return fma(y, sub(set1(1.0f), s), s);
  }
  const vf square = mul(x, x), c = set1(0.7978845608028654f);
  const vf inner = mul(mul(c, x), fma(square, set1(0.044715f), set1(1.0f)));
  const vf s = sigmoid(add(inner, inner));
  y = mul(x, s);
  // s + x s (1 - s) 2 inner'
  const vf by_x = mul(add(c, c), fma(square, set1(3 * 0.044715f), set1(1.0f)));
  return fma(mul(y, sub(set1(1.0f), s)), by_x, s);
}

// y = f(g) u, or f(g) without u
template <class T>
void gate_forward(int kind, const T* g, const T* u, T* y, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    const int some = (int)std::min<int64_t>(W, n - i);
    vf value = activated(kind, some == W ? load(g + i) : load_part(g + i, some));
    if (u) value = mul(value, some == W ? load(u + i) : load_part(u + i, some));
    if (some == W) put(y + i, value);
    else put_part(y + i, value, some);
  }
}

// dg = d u f'(g), du = d f(g)
template <class T>
void gate_backward(int kind, const T* d, const T* g, const T* u, T* dg, T* du, int64_t n) {
  for (int64_t i = 0; i < n; i += W) {
    const int some = (int)std::min<int64_t>(W, n - i);
    const bool whole = some == W;
    const vf by = whole ? load(d + i) : load_part(d + i, some);
    vf value;
    vf turn = mul(by, slope(kind, whole ? load(g + i) : load_part(g + i, some), value));
    if (u) turn = mul(turn, whole ? load(u + i) : load_part(u + i, some));
    if (whole) put(dg + i, turn);
    else put_part(dg + i, turn, some);
    if (!u) continue;
    if (whole) put(du + i, mul(by, value));
    else put_part(du + i, mul(by, value), some);
  }
}

// x + y
template <class T>
void add_forward(const float* x, const T* y, float* into, int64_t n) {
  int64_t i = 0;
  for (; i + W <= n; i += W) store(into + i, add(load(x + i), load(y + i)));
  for (; i < n; i++) into[i] = x[i] + load_one(y + i);
}

// Random numbers by place: the finaliser of MurmurHash3 (Appleby) over a place and a seed. Below the threshold is dropped.
#if defined(ASTRA_AVX512)
inline vf kept_of(uint32_t place, uint32_t seed, uint32_t threshold, vf x) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512i h = _mm512_mullo_epi32(_mm512_add_epi32(_mm512_set1_epi32((int)place), lane), _mm512_set1_epi32((int)0x9e3779b1));
  h = _mm512_add_epi32(h, _mm512_set1_epi32((int)seed));
  h = _mm512_mullo_epi32(_mm512_xor_si512(h, _mm512_srli_epi32(h, 16)), _mm512_set1_epi32((int)0x85ebca6b));
  h = _mm512_mullo_epi32(_mm512_xor_si512(h, _mm512_srli_epi32(h, 13)), _mm512_set1_epi32((int)0xc2b2ae35));
  h = _mm512_xor_si512(h, _mm512_srli_epi32(h, 16));
  return _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(h, _mm512_set1_epi32((int)threshold)), x);
}
#else
inline vf kept_of(uint32_t place, uint32_t seed, uint32_t threshold, vf x) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  __m256i h = _mm256_mullo_epi32(_mm256_add_epi32(_mm256_set1_epi32((int)place), lane), _mm256_set1_epi32((int)0x9e3779b1));
  h = _mm256_add_epi32(h, _mm256_set1_epi32((int)seed));
  h = _mm256_mullo_epi32(_mm256_xor_si256(h, _mm256_srli_epi32(h, 16)), _mm256_set1_epi32((int)0x85ebca6b));
  h = _mm256_mullo_epi32(_mm256_xor_si256(h, _mm256_srli_epi32(h, 13)), _mm256_set1_epi32((int)0xc2b2ae35));
  h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 16));
  const __m256i least = _mm256_set1_epi32((int)threshold);
  return _mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(h, least), h)), x);
}
#endif

// y = the kept of x, scaled; or with `plus`, y += that. x begins at `place` of its tensor.
template <class T>
void drop(const T* x, T* y, int64_t n, uint32_t place, uint32_t seed, uint32_t threshold, float scale, bool plus) {
  for (int64_t i = 0; i < n; i += W) {
    const int some = (int)std::min<int64_t>(W, n - i);
    const bool whole = some == W;
    vf value = mul(kept_of(place + (uint32_t)i, seed, threshold, whole ? load(x + i) : load_part(x + i, some)), set1(scale));
    if (plus) value = add(value, whole ? load(y + i) : load_part(y + i, some));
    if (whole) put(y + i, value);
    else put_part(y + i, value, some);
  }
}

// y = w x r, with r = 1 / sqrt(mean x² + ε)
template <class T>
float rms_forward(const float* x, const float* weight, float epsilon, int64_t width, T* y) {
  vf squares = zero();
  int64_t i = 0;
  for (; i + W <= width; i += W) squares = fma(load(x + i), load(x + i), squares);
  float total = sum(squares);
  for (; i < width; i++) total += x[i] * x[i];
  const float r = 1.0f / std::sqrt(total / (float)width + epsilon);
  for (i = 0; i + W <= width; i += W) put(y + i, mul(load(weight + i), mul(load(x + i), set1(r))));
  for (; i < width; i++) store_one(y + i, weight[i] * (x[i] * r));
  return r;
}

// dx = r w d - x r³ mean(w d x)
template <class T>
void rms_backward(const T* d, const float* x, const float* weight, float r, int64_t width, float* dx) {
  vf sums = zero();
  int64_t i = 0;
  for (; i + W <= width; i += W) sums = fma(mul(load(d + i), load(weight + i)), load(x + i), sums);
  float total = sum(sums);
  for (; i < width; i++) total += load_one(d + i) * weight[i] * x[i];
  const float shared = -r * r * r * total / (float)width;
  for (i = 0; i + W <= width; i += W)
    store(dx + i, fma(load(x + i), set1(shared), mul(mul(load(d + i), load(weight + i)), set1(r))));
  for (; i < width; i++) dx[i] = x[i] * shared + load_one(d + i) * weight[i] * r;
}

// One head turned by cosines and sines; `sign` -1 turns back.
template <class T>
void turn(const T* x, const float* cosine, const float* sine, float sign, int64_t half, int64_t width, T* y) {
  int64_t i = 0;
  for (; i + W <= half; i += W) {
    const vf left = load(x + i), right = load(x + half + i);
    const vf c = load(cosine + i), s = mul(load(sine + i), set1(sign));
    put(y + i, fnma(right, s, mul(left, c)));
    put(y + half + i, fma(left, s, mul(right, c)));
  }
  for (; i < half; i++) {
    const float left = load_one(x + i), right = load_one(x + half + i), s = sine[i] * sign;
    store_one(y + i, left * cosine[i] - right * s);
    store_one(y + half + i, right * cosine[i] + left * s);
  }
  for (i = 2 * half; i < width; i++) y[i] = x[i];
}

template <class T>
Training training_of() {
  return {
      [](void* x, int64_t n, int64_t target, bool learns) { return cross_entropy((T*)x, n, target, learns); },
      [](void* x, int64_t n, int64_t from, int64_t to, float scale) { return soften((T*)x, n, from, to, scale); },
      [](void* x, void* d, int64_t n, int64_t from, int64_t to, float scale, float log, float shared) {
        harden((T*)x, (T*)d, n, from, to, scale, log, shared);
      },
      [](int kind, const void* g, const void* u, void* y, int64_t n) {
        gate_forward(kind, (const T*)g, (const T*)u, (T*)y, n);
      },
      [](int kind, const void* d, const void* g, const void* u, void* dg, void* du, int64_t n) {
        gate_backward(kind, (const T*)d, (const T*)g, (const T*)u, (T*)dg, (T*)du, n);
      },
      [](const void* x, void* y, int64_t n, uint32_t place, uint32_t seed, uint32_t threshold, float scale, bool plus) {
        drop((const T*)x, (T*)y, n, place, seed, threshold, scale, plus);
      },
      [](const float* x, const void* y, float* into, int64_t n) { add_forward(x, (const T*)y, into, n); },
      [](const float* x, const float* w, float epsilon, int64_t n, void* y) {
        return rms_forward(x, w, epsilon, n, (T*)y);
      },
      [](const void* d, const float* x, const float* w, float r, int64_t n, float* dx) {
        rms_backward((const T*)d, x, w, r, n, dx);
      },
      [](const void* x, const float* c, const float* s, float sign, int64_t half, int64_t n, void* y) {
        turn((const T*)x, c, s, sign, half, n, (T*)y);
      },
  };
}

}  // namespace ASTRA_ISA
