// Norms, activations, and what of the logits is asked first.

namespace ASTRA_ISA {
using namespace astra;

static void rms_norm(const float* x, const float* weight, float epsilon, int64_t width, float* y) {
  vf squares = zero();
  int64_t i = 0;
  for (; i + W <= width; i += W) squares = fma(load(x + i), load(x + i), squares);
  float total = sum(squares);
  for (; i < width; i++) total += x[i] * x[i];
  const float scale = 1.0f / std::sqrt(total / (float)width + epsilon);
  for (i = 0; i + W <= width; i += W) store(y + i, mul(load(weight + i), mul(load(x + i), set1(scale))));
  for (; i < width; i++) y[i] = weight[i] * (x[i] * scale);
}

static void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, int64_t width, float* y) {
  vf sums = zero();
  int64_t i = 0;
  for (; i + W <= width; i += W) sums = add(load(x + i), sums);
  float total = sum(sums);
  for (; i < width; i++) total += x[i];
  const float mean = total / (float)width;
  vf squares = zero();
  for (i = 0; i + W <= width; i += W) {
    const vf d = sub(load(x + i), set1(mean));
    squares = fma(d, d, squares);
  }
  total = sum(squares);
  for (; i < width; i++) total += (x[i] - mean) * (x[i] - mean);
  const float scale = 1.0f / std::sqrt(total / (float)width + epsilon);
  for (i = 0; i + W <= width; i += W) {
    const vf normal = mul(mul(sub(load(x + i), set1(mean)), set1(scale)), load(weight + i));
    store(y + i, bias ? add(normal, load(bias + i)) : normal);
  }
  for (; i < width; i++) y[i] = (x[i] - mean) * scale * weight[i] + (bias ? bias[i] : 0.0f);
}

inline vf sigmoid(vf x) { return divide(set1(1.0f), add(set1(1.0f), exponential(sub(zero(), x)))); }

inline vf tanh_of(vf x) {
  // 1 - 2 / (e^2x + 1) loses its digits near zero; there the odd series is exact enough.
  const vf e = exponential(add(x, x));
  const vf large = sub(set1(1.0f), divide(set1(2.0f), add(e, set1(1.0f))));
  const vf s = mul(x, x);
  vf series = fma(s, set1(-0.0218694885f), set1(0.0539682540f));
  series = fma(series, s, set1(-0.1333333333f));
  series = fma(series, s, set1(0.3333333333f));
  series = fnma(mul(series, s), x, x);
  const vf small = absolute(x);
  float a[W], b[W], c[W];
  store(a, small);
  store(b, large);
  store(c, series);
  for (int i = 0; i < W; i++) b[i] = a[i] < 0.15f ? c[i] : b[i];
  return load(b);
}

// 1 gelu (tanh), 2 silu, 3 tanh, 4 relu, 5 sigmoid
inline vf activated(int kind, vf x) {
  switch (kind) {
    case 1: {
      const vf inner = mul(set1(0.7978845608028654f), fma(mul(mul(x, x), x), set1(0.044715f), x));
      // 0.5 (1 + tanh u) = sigmoid(2u)
      return mul(x, sigmoid(add(inner, inner)));
    }
    case 2: return mul(x, sigmoid(x));
    case 3: return tanh_of(x);
    case 4: return maximum(zero(), x);  // the second of the two where one is no number
    case 5: return sigmoid(x);
    default: return x;
  }
}

// The exact gelu, by the C library's error function.
inline float gelu_exact(float x) { return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f)); }

static void activate(int kind, float* x, int64_t n) {
  if (kind == 6) {
    for (int64_t i = 0; i < n; i++) x[i] = gelu_exact(x[i]);
    return;
  }
  int64_t i = 0;
  for (; i + W <= n; i += W) store(x + i, activated(kind, load(x + i)));
  if (const int rest = (int)(n - i)) store_part(x + i, activated(kind, load_part(x + i, rest)), rest);
}

static void gate(int kind, const float* gates, const float* ups, float* y, int64_t n) {
  if (kind == 6) {
    for (int64_t i = 0; i < n; i++) y[i] = gelu_exact(gates[i]) * ups[i];
    return;
  }
  int64_t i = 0;
  for (; i + W <= n; i += W) store(y + i, mul(activated(kind, load(gates + i)), load(ups + i)));
  if (const int rest = (int)(n - i))
    store_part(y + i, mul(activated(kind, load_part(gates + i, rest)), load_part(ups + i, rest)), rest);
}

// The first of the largest, or -1 where a number is not finite.
static int64_t likeliest(const float* x, int64_t n) {
  vf most = set1(-INFINITY), zeros = zero();  // what is not finite, times zero, is no number
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    most = maximum(most, load(x + i));
    zeros = fma(load(x + i), zero(), zeros);
  }
  float high = largest(most), none = sum(zeros);
  for (; i < n; i++) {
    high = std::max(high, x[i]);
    none += x[i] * 0.0f;
  }
  if (none != 0) return -1;
  for (i = 0; i < n; i++)
    if (x[i] == high) return i;
  return -1;
}

}  // namespace ASTRA_ISA
