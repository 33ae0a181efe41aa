// Products of plain weights (fp32, or bf16 widened) and fp32 activations, and the two halves of an adapter.

namespace ASTRA_ISA {
using namespace astra;


// N outputs times M rows: the weights' rows are read side by side, so that each activation serves N products.
template <class T, int N, int M>
inline void dot_block(const T* weight, int64_t inputs, const float* x, int64_t x_stride, float (&result)[N][M]) {
  vf total[N][M];
  for (int n = 0; n < N; n++)
    for (int m = 0; m < M; m++) total[n][m] = zero();
  int64_t i = 0;
  for (; i + W <= inputs; i += W) {
    vf w[N];
    // Rows are short, and the processor's own reading ahead stops at each page.
    if (N > 1 && M == 1)
      for (int n = 0; n < N; n++) __builtin_prefetch(weight + (n + N) * inputs + i);
    for (int n = 0; n < N; n++) w[n] = load(weight + n * inputs + i);
    for (int m = 0; m < M; m++) {
      const vf a = load(x + m * x_stride + i);
      for (int n = 0; n < N; n++) total[n][m] = fma(w[n], a, total[n][m]);
    }
  }
  if (const int rest = (int)(inputs - i)) {
    for (int m = 0; m < M; m++) {
      const vf a = load_part(x + m * x_stride + i, rest);
      for (int n = 0; n < N; n++) total[n][m] = fma(load_part(weight + n * inputs + i, rest), a, total[n][m]);
    }
  }
  for (int n = 0; n < N; n++)
    for (int m = 0; m < M; m++) result[n][m] = sum(total[n][m]);
}

// Outputs `from` to `to` of a row-major weight for `rows` rows; `write(output, row, value)` takes each.
template <class T, class Write>
inline void dots(const T* weight, int64_t inputs, const float* x, int64_t x_stride, int64_t rows, int64_t from,
                 int64_t to, Write write) {
  constexpr int N = 4, M = 4;
  for (int64_t n = from; n < to; n += N) {
    const int64_t some = to - n < N ? to - n : N;
    int64_t m = 0;
    if (some == N) {
      for (; m + M <= rows; m += M) {
        float r[N][M];
        dot_block<T, N, M>(weight + n * inputs, inputs, x + m * x_stride, x_stride, r);
        for (int i = 0; i < N; i++)
          for (int j = 0; j < M; j++) write(n + i, m + j, r[i][j]);
      }
      for (; m < rows; m++) {
        float r[N][1];
        dot_block<T, N, 1>(weight + n * inputs, inputs, x + m * x_stride, x_stride, r);
        for (int i = 0; i < N; i++) write(n + i, m, r[i][0]);
      }
    } else {
      for (; m < rows; m++)
        for (int64_t i = 0; i < some; i++) {
          float r[1][1];
          dot_block<T, 1, 1>(weight + (n + i) * inputs, inputs, x + m * x_stride, x_stride, r);
          write(n + i, m, r[0][0]);
        }
    }
  }
}

static void dense(const Dense& layer, const float* x, int64_t x_stride, int64_t rows, int64_t from, int64_t to,
                  float* y, int64_t y_stride, bool plus) {
  const auto write = [&](int64_t n, int64_t m, float value) {
    if (layer.bias) value += layer.bias[n];
    float& into = y[m * y_stride + n];
    into = plus ? into + value : value;
  };
  if (layer.half) dots((const uint16_t*)layer.weight, layer.inputs, x, x_stride, rows, from, to, write);
  else dots((const float*)layer.weight, layer.inputs, x, x_stride, rows, from, to, write);
}

// Sixteen outputs that lie side by side for each input ([inputs, 16]), times M rows: no sum across lanes is needed, and
// memory is read from one end to the other.
template <class T, int M, class Write>
inline void panel_block(const T* panel, int64_t inputs, const float* x, int64_t stride, Write write) {
  // Two sums, since one row alone would wait for each product; for any M, so that a row's bits do not depend on it.
  constexpr int V = PANEL / W, PARTS = 2;
  vf total[PARTS][M][V];
  for (auto& part : total)
    for (auto& row : part)
      for (vf& t : row) t = zero();
  for (int64_t i = 0; i < inputs; i += PARTS)
    for (int part = 0; part < PARTS && i + part < inputs; part++) {
      const T* p = panel + (i + part) * PANEL;
      __builtin_prefetch((const char*)p + 4096);
      for (int v = 0; v < V; v++) {
        const vf w = load(p + v * W);
        for (int m = 0; m < M; m++) total[part][m][v] = fma(w, set1(x[m * stride + i + part]), total[part][m][v]);
      }
    }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < V; v++) write(m, v * W, add(total[0][m][v], total[1][m][v]));
}

// Outputs `from` to `to`, whole panels; `write(output, row, lanes)` takes up to W outputs at once.
template <class T, class Write>
inline void panels(const T* weight, int64_t inputs, const float* x, int64_t stride, int64_t rows, int64_t from,
                   int64_t to, Write write) {
  constexpr int M = W == 16 ? 4 : 2;  // as many sums as there are registers for
  for (int64_t n = from; n < to; n += PANEL) {
    const T* panel = weight + n * inputs;
    int64_t m = 0;
    for (; m + M <= rows; m += M)
      panel_block<T, M>(panel, inputs, x + m * stride, stride,
                        [&](int row, int lane, vf value) { write(n + lane, m + row, value); });
    for (; m < rows; m++)
      panel_block<T, 1>(panel, inputs, x + m * stride, stride, [&](int, int lane, vf value) { write(n + lane, m, value); });
  }
}

// hidden[from..to] = activation(down x), of every row of the part
static void down(const Part& part, const float* x, int64_t stride, int64_t from, int64_t to) {
  const float* first = x + part.row * stride + part.x_column;
  if (part.panels) {
    const auto write = [&](int64_t n, int64_t m, vf value) {
      const int64_t count = part.rank - n;
      if (count >= W) store(part.hidden + m * part.rank + n, value);
      else if (count > 0) store_part(part.hidden + m * part.rank + n, value, (int)count);
    };
    if (part.half) panels((const uint16_t*)part.down, part.inputs, first, stride, part.rows, from, to, write);
    else panels((const float*)part.down, part.inputs, first, stride, part.rows, from, to, write);
  } else {
    const auto write = [&](int64_t n, int64_t m, float value) { part.hidden[m * part.rank + n] = value; };
    if (part.half) dots((const uint16_t*)part.down, part.inputs, first, stride, part.rows, from, to, write);
    else dots((const float*)part.down, part.inputs, first, stride, part.rows, from, to, write);
  }
  if (part.activation)
    for (int64_t m = 0; m < part.rows; m++) activate(part.activation, part.hidden + m * part.rank + from, to - from);
}

// A part of small rank: each row of the up projection is as long as the output.
template <class T>
inline void up_by_rank(const Part& part, float* y, int64_t stride, int64_t from, int64_t to) {
  const T* weight = (const T*)part.up;
  for (int64_t m = 0; m < part.rows; m++) {
    const float* hidden = part.hidden + m * part.rank;
    float* into = y + (part.row + m) * stride + part.y_column;
    for (int64_t i = from; i < to; i += W) {
      const int count = to - i < W ? (int)(to - i) : W;
      vf total = zero();
      for (int64_t r = 0; r < part.rank; r++) {
        const T* p = weight + r * part.outputs + i;
        total = fma(set1(hidden[r]), count == W ? load(p) : load_part(p, count), total);
      }
      const vf result = fma(total, set1(part.scale), count == W ? load(into + i) : load_part(into + i, count));
      if (count == W) store(into + i, result);
      else store_part(into + i, result, count);
    }
  }
}

// y[from..to] += scale * (up hidden), of every row of the part
static void up(const Part& part, float* y, int64_t stride, int64_t from, int64_t to) {
  if (!part.panels) {
    if (part.half) up_by_rank<uint16_t>(part, y, stride, from, to);
    else up_by_rank<float>(part, y, stride, from, to);
    return;
  }
  const vf scale = set1(part.scale);
  const auto write = [&](int64_t n, int64_t m, vf value) {
    float* into = y + (part.row + m) * stride + part.y_column + n;
    const int64_t count = part.outputs - n;
    if (count >= W) store(into, fma(value, scale, load(into)));
    else if (count > 0) store_part(into, fma(value, scale, load_part(into, (int)count)), (int)count);
  };
  if (part.half) panels((const uint16_t*)part.up, part.rank, part.hidden, part.rank, part.rows, from, to, write);
  else panels((const float*)part.up, part.rank, part.hidden, part.rank, part.rows, from, to, write);
}

}  // namespace ASTRA_ISA
