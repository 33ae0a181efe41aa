// The Python face of a training pass's kernels.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "bindings.h"

namespace nb = nanobind;
using namespace astra;

namespace {

// The rows of a training pass. `half` says whether activations are bf16.
template <class T>
T* moved(Address address, bool half, int64_t count) {
  return reinterpret_cast<T*>(address + (half ? 2 : 4) * count);
}

void train_losses(bool half, Address x, int64_t rows, int64_t n, Address targets, bool learns, Address losses) {
  const Training& t = active->training[half];
  each(rows, 1, [&](int64_t i) {
    at<float>(losses)[i] = t.cross_entropy(moved<void>(x, half, i * n), n, at<int64_t>(targets)[i], learns);
  });
}

// Which keys a row of a block sees: its first query's own key is number `diagonal`; a query has `group` rows.
struct Block {
  int64_t heads, rows, keys, group, diagonal, window;
  int64_t to(int64_t row) const { return diagonal + row / group + 1; }
  int64_t from(int64_t row) const { return window ? std::max<int64_t>(0, to(row) - window) : 0; }
};

void train_soften(bool half, Address x, int64_t heads, int64_t rows, int64_t keys, int64_t group, int64_t diagonal,
                  int64_t window, float scale, Address logs, int64_t stride) {
  const Training& t = active->training[half];
  const Block block{heads, rows, keys, group, diagonal, window};
  each(heads * rows, 8, [&](int64_t i) {
    const int64_t head = i / rows, row = i % rows;
    at<float>(logs)[head * stride + row] =
        t.soften(moved<void>(x, half, i * keys), keys, block.from(row), block.to(row), scale);
  });
}

void train_harden(bool half, Address x, Address d, int64_t heads, int64_t rows, int64_t keys, int64_t group,
                  int64_t diagonal, int64_t window, float scale, Address logs, Address shared, int64_t stride) {
  const Training& t = active->training[half];
  const Block block{heads, rows, keys, group, diagonal, window};
  each(heads * rows, 8, [&](int64_t i) {
    const int64_t head = i / rows, row = i % rows, place = head * stride + row;
    t.harden(moved<void>(x, half, i * keys), moved<void>(d, half, i * keys), keys, block.from(row), block.to(row),
             scale, at<float>(logs)[place], at<float>(shared)[place]);
  });
}

void train_gate(bool half, int kind, Address g, Address u, Address y, int64_t n) {
  const Training& t = active->training[half];
  each((n + STRETCH - 1) / STRETCH, 4, [&](int64_t i) {
    const int64_t from = i * STRETCH;
    t.gate_forward(kind, moved<void>(g, half, from), u ? moved<void>(u, half, from) : nullptr,
                   moved<void>(y, half, from), std::min(STRETCH, n - from));
  });
}

void train_gate_back(bool half, int kind, Address d, Address g, Address u, Address dg, Address du, int64_t n) {
  const Training& t = active->training[half];
  each((n + STRETCH - 1) / STRETCH, 4, [&](int64_t i) {
    const int64_t from = i * STRETCH;
    t.gate_backward(kind, moved<void>(d, half, from), moved<void>(g, half, from),
                    u ? moved<void>(u, half, from) : nullptr, moved<void>(dg, half, from),
                    u ? moved<void>(du, half, from) : nullptr, std::min(STRETCH, n - from));
  });
}

void train_drop(bool half, Address x, Address y, int64_t n, uint32_t seed, uint32_t threshold, float scale, bool plus) {
  const Training& t = active->training[half];
  each((n + STRETCH - 1) / STRETCH, 4, [&](int64_t i) {
    const int64_t from = i * STRETCH;
    t.drop(moved<void>(x, half, from), moved<void>(y, half, from), std::min(STRETCH, n - from), (uint32_t)from, seed,
           threshold, scale, plus);
  });
}

void train_add(bool half, Address x, Address y, Address into, int64_t n) {
  const Training& t = active->training[half];
  each((n + STRETCH - 1) / STRETCH, 4, [&](int64_t i) {
    const int64_t from = i * STRETCH;
    t.added(at<float>(x) + from, moved<void>(y, half, from), at<float>(into) + from, std::min(STRETCH, n - from));
  });
}

void train_rms(bool half, Address x, Address weight, float epsilon, int64_t rows, int64_t n, Address y, Address r) {
  const Training& t = active->training[half];
  each(rows, 8, [&](int64_t i) {
    at<float>(r)[i] =
        t.rms_forward(at<float>(x) + i * n, at<float>(weight), epsilon, n, moved<void>(y, half, i * n));
  });
}

void train_rms_back(bool half, Address d, Address x, Address weight, Address r, int64_t rows, int64_t n, Address dx) {
  const Training& t = active->training[half];
  each(rows, 8, [&](int64_t i) {
    t.rms_backward(moved<void>(d, half, i * n), at<float>(x) + i * n, at<float>(weight), at<float>(r)[i], n,
                   at<float>(dx) + i * n);
  });
}

// x and y [tokens, heads, width]; cosines and sines [tokens, turned]
void train_turn(bool half, Address x, int64_t tokens, int64_t heads, int64_t width, Address cosine, Address sine,
                int64_t turned, float sign, Address y) {
  const Training& t = active->training[half];
  each(tokens * heads, 64, [&](int64_t i) {
    const int64_t token = i / heads;
    t.turn(moved<void>(x, half, i * width), at<float>(cosine) + token * turned, at<float>(sine) + token * turned, sign,
           turned, width, moved<void>(y, half, i * width));
  });
}

// Memory for the blocks of keys and values, and for slopes by head.
struct Scratch {
  explicit Scratch(int64_t numbers) : memory(new (std::align_val_t(64)) uint32_t[std::max<int64_t>(1, numbers)]) {}
  ~Scratch() { ::operator delete[](memory, std::align_val_t(64)); }
  Scratch(const Scratch&) = delete;
  uint32_t* memory;
};

// Attention over packed rows, bf16. `starts`: the first token of each row, and the end of the last.
class RowsAttention {
 public:
  RowsAttention(int64_t heads, int64_t kv_heads, int64_t width, int64_t window, float scale,
                const std::vector<int64_t>& starts)
      : a_{} {
    a_.tokens = starts.back(), a_.heads = heads, a_.kv_heads = kv_heads, a_.width = width;
    a_.padded = (width + 15) / 16 * 16, a_.window = window, a_.scale = scale;
    for (size_t i = 0; i + 1 < starts.size(); i++) {
      rows_.push_back({starts[i], starts[i + 1] - starts[i], a_.blocks});
      for (int64_t b = 0; b < rows_.back().blocks(); b++) blocks_.push_back({(int64_t)i, b});
      a_.blocks += rows_.back().blocks();
    }
  }

  void forward(Address q, int64_t q_row, Address k, int64_t k_row, Address v, int64_t v_row, Address out, Address logs) {
    TrainingAttention a = a_;
    a.q = at<uint16_t>(q), a.k = at<uint16_t>(k), a.v = at<uint16_t>(v), a.out = at<uint16_t>(out);
    a.q_row = q_row, a.k_row = k_row, a.v_row = v_row, a.logs = at<float>(logs);
    const int64_t packed = a.kv_heads * a.blocks * a.block_pairs();
    Scratch scratch(2 * packed);
    a.keys_across = scratch.memory, a.values_down = scratch.memory + packed;
    const auto& kernels = *active->training_attention;
    const int64_t count = (int64_t)blocks_.size();
    each(a.kv_heads * count, 1, [&](int64_t i) {
      const auto& [row, block] = blocks_[i % count];
      kernels.pack(a, rows_[row], block, i / count);
    });
    each(a.heads * count, 1, [&](int64_t i) {  // the last blocks, which see most, come first
      const auto& [row, block] = blocks_[count - 1 - i / a.heads];
      kernels.forward(a, rows_[row], block, i % a.heads);
    });
  }

  void backward(Address q, int64_t q_row, Address k, int64_t k_row, Address v, int64_t v_row, Address out, Address logs,
                Address slope, Address by_query, Address keys_slope, Address values_slope) {
    TrainingAttention a = a_;
    a.q = at<uint16_t>(q), a.k = at<uint16_t>(k), a.v = at<uint16_t>(v), a.out = at<uint16_t>(out);
    a.q_row = q_row, a.k_row = k_row, a.v_row = v_row, a.logs = at<float>(logs), a.slope = at<uint16_t>(slope);
    a.by_query = at<uint16_t>(by_query), a.keys_slope = at<uint16_t>(keys_slope);
    a.values_slope = at<uint16_t>(values_slope);
    const int64_t packed = a.kv_heads * a.blocks * a.block_pairs();
    const int64_t slopes = a.heads * a.blocks * TRAINING_BLOCK * a.padded;
    Scratch scratch(3 * packed + 2 * slopes);
    a.keys_across = scratch.memory, a.keys_down = a.keys_across + packed, a.values_across = a.keys_down + packed;
    a.by_key = (float*)(a.values_across + packed), a.by_value = a.by_key + slopes;
    const auto& kernels = *active->training_attention;
    const int64_t count = (int64_t)blocks_.size();
    each(a.kv_heads * count, 1, [&](int64_t i) {
      const auto& [row, block] = blocks_[i % count];
      kernels.pack(a, rows_[row], block, i / count);
    });
    each((int64_t)rows_.size() * a.heads, 1,
         [&](int64_t i) { kernels.backward(a, rows_[i / a.heads], i % a.heads); });
    each(a.kv_heads * count, 1, [&](int64_t i) {
      const auto& [row, block] = blocks_[i % count];
      kernels.gather(a, rows_[row], block, i / count);
    });
  }

 private:
  TrainingAttention a_;
  std::vector<TrainingRow> rows_;
  std::vector<std::pair<int64_t, int64_t>> blocks_;  // row, and its block
};

}  // namespace

void astra::define_training(nb::module_& m) {
  m.def("train_losses", &train_losses);
  m.def("train_soften", &train_soften);
  m.def("train_harden", &train_harden);
  m.def("train_gate", &train_gate);
  m.def("train_gate_back", &train_gate_back);
  m.def("train_drop", &train_drop);
  m.def("train_add", &train_add);
  m.def("train_rms", &train_rms);
  m.def("train_rms_back", &train_rms_back);
  m.def("train_turn", &train_turn);
  m.attr("train_attention_width") = nb::int_(TRAINING_WIDTH);
  m.def("trains_attention", [] { return active->training_attention != nullptr; });
  nb::class_<RowsAttention>(m, "RowsAttention")
      .def(nb::init<int64_t, int64_t, int64_t, int64_t, float, const std::vector<int64_t>&>())
      .def("forward", &RowsAttention::forward)
      .def("backward", &RowsAttention::backward);
}
