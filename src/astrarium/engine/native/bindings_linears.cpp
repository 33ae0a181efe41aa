// The Python face of linear layers: products, and the adapters around them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "bindings.h"
#include "programme.h"

namespace nb = nanobind;
using namespace astra;

namespace {

// Memory for quantised activations, the `number`th of an operation.
Codes room_for_codes(Programme& programme, int number, int64_t rows, int64_t inputs) {
  const int64_t groups = inputs / GROUP;
  const int use = CODES + 4 * number;
  return {rows, inputs, programme.room<int8_t>(use, rows * inputs), programme.room<float>(use + 1, rows * groups),
          programme.room<float>(use + 2, rows * groups), programme.room<int32_t>(use + 3, 2 * rows * groups)};
}

Codes part_of(const Codes& all, int64_t from, int64_t rows) {
  const int64_t groups = all.inputs / GROUP;
  return {rows, all.inputs, all.codes + from * all.inputs, all.scales + from * groups, all.sums + from * groups,
          all.halves + 2 * from * groups};
}

struct Layer {
  bool plain;
  Quantised quantised;
  Dense dense;

  int64_t outputs() const { return plain ? dense.outputs : quantised.outputs; }
  int64_t inputs() const { return plain ? dense.inputs : quantised.inputs; }
  int64_t panels() const { return (outputs() + PANEL - 1) / PANEL; }

  // Asks for the weights of a panel; their scales are few.
  int64_t fetch(int64_t panel) const {
    const int64_t bytes = plain ? std::min<int64_t>(PANEL, outputs() - panel * PANEL) * inputs() * (dense.half ? 2 : 4)
                                : PANEL * inputs() * quantised.bits / 8;
    const char* from = plain ? (const char*)dense.weight + panel * PANEL * inputs() * (dense.half ? 2 : 4)
                             : (const char*)quantised.codes + panel * bytes;
    fetch_near(from, bytes);
    return bytes;
  }
};

Layer dense_layer(int64_t outputs, int64_t inputs, bool half, Address weight, Address bias) {
  Layer layer{};
  layer.plain = true;
  layer.dense = {outputs, inputs, half, at<void>(weight), at<float>(bias)};
  return layer;
}

Layer quantised_layer(int64_t outputs, int64_t inputs, int bits, int kind, int offset, nb::bytes table, Address codes,
                      Address scales, Address minima, Address super_scales, Address super_minima, Address row_scale,
                      Address row_minimum, Address bias) {
  Layer layer{};
  Quantised& q = layer.quantised;
  q.outputs = outputs;
  q.inputs = inputs;
  q.bits = bits;
  q.kind = (Scales)kind;
  q.offset = offset;
  q.has_table = table.size() == 16;
  if (q.has_table) std::memcpy(q.table, table.c_str(), 16);
  q.codes = at<uint8_t>(codes);
  q.scales = at<void>(scales);
  q.minima = at<void>(minima);
  q.super_scales = at<uint16_t>(super_scales);
  q.super_minima = at<uint16_t>(super_minima);
  q.row_scale = at<float>(row_scale);
  q.row_minimum = at<float>(row_minimum);
  q.bias = at<float>(bias);
  return layer;
}

// What the adapters of one step do at one site.
struct Plan {
  std::vector<Part> parts;
  struct Affine {
    int64_t row, rows, width, column;
    const float *scale, *shift;
  };
  std::vector<Affine> affine;
  struct Stretch {
    int part;
    int64_t from, to;
  };
  std::vector<Stretch> downs, ups;
  std::vector<int64_t> hidden_at;
  int64_t hidden = 0;

  void add(int64_t row, int64_t rows, int64_t rank, int64_t inputs, int64_t outputs, bool half, int activation,
           float scale, Address down, Address up, bool panels, int64_t x_column, int64_t y_column) {
    const int number = (int)parts.size();
    parts.push_back({row, rows, rank, inputs, outputs, half, activation, scale, at<void>(down), at<void>(up),
                     panels, x_column, y_column, nullptr});
    hidden_at.push_back(hidden);
    hidden += rows * rank;
    constexpr int64_t NUMBERS = 8192;  // weights a task reads
    const int64_t down_rows = std::max<int64_t>(PANEL, NUMBERS / inputs / PANEL * PANEL);
    for (int64_t i = 0; i < rank; i += down_rows) downs.push_back({number, i, std::min(rank, i + down_rows)});
    const int64_t up_rows = std::max<int64_t>(32, NUMBERS / rank / 32 * 32);
    for (int64_t i = 0; i < outputs; i += up_rows) ups.push_back({number, i, std::min(outputs, i + up_rows)});
  }

  void add_affine(int64_t row, int64_t rows, int64_t width, int64_t column, Address scale, Address shift) {
    affine.push_back({row, rows, width, column, at<float>(scale), at<float>(shift)});
  }

  void run(Address x_at, int64_t x_stride, Address y_at, int64_t y_stride) {
    make_room();
    const float* x = at<float>(x_at);
    float* y = at<float>(y_at);
    perform([=](Programme& programme) {
      programme.hold(this);
      programme.add((int64_t)downs.size(), [=](int64_t i) { down(i, x, x_stride); });
      programme.add((int64_t)ups.size(), [=](int64_t i) { up(i, y, y_stride); });
      programme.add(affine.empty() ? 0 : 1, [=](int64_t) {
        for (const Affine& a : affine)
          for (int64_t row = a.row; row < a.row + a.rows; row++) apply(a, y + row * y_stride);
      });
    });
  }

  void make_room() {
    float* block = scratch(memory, hidden);
    for (size_t i = 0; i < parts.size(); i++) parts[i].hidden = block + hidden_at[i];
  }

  void down(int64_t i, const float* x, int64_t x_stride) const {
    active->down(parts[downs[i].part], x, x_stride, downs[i].from, downs[i].to);
  }

  void up(int64_t i, float* y, int64_t y_stride) const {
    active->up(parts[ups[i].part], y, y_stride, ups[i].from, ups[i].to);
  }

  // The elementwise parts of one row, `y` being the row.
  void elementwise(int64_t row, float* y) const {
    for (const Affine& a : affine)
      if (row >= a.row && row < a.row + a.rows) apply(a, y);
  }

 private:
  std::vector<float> memory;

  static void apply(const Affine& a, float* y) {
    float* into = y + a.column;
    if (a.scale)
      for (int64_t i = 0; i < a.width; i++) into[i] *= a.scale[i];
    if (a.shift)
      for (int64_t i = 0; i < a.width; i++) into[i] += a.shift[i];
  }
};

// Linear layers that see the same activations; their outputs lie side by side.
struct Linears {
  std::vector<Layer> layers;
  std::vector<int64_t> first_panel, first_output;
  int64_t panels = 0, outputs = 0, inputs = 0;

  explicit Linears(const std::vector<Layer>& given) : layers(given) {
    for (const Layer& layer : layers) {
      first_panel.push_back(panels);
      first_output.push_back(outputs);
      panels += layer.panels();
      outputs += layer.outputs();
      inputs = layer.inputs();
    }
  }

  void run(Address x, int64_t x_stride, int64_t rows, Address y, int64_t y_stride, bool add) const {
    run_apart(std::vector<Address>(layers.size(), x), x_stride, rows, y, y_stride, add);
  }

  void run_apart(const std::vector<Address>& x, int64_t x_stride, int64_t rows, Address y, int64_t y_stride,
                 bool add) const {
    std::vector<const float*> xs;
    for (Address address : x) xs.push_back(at<float>(address));
    perform([&](Programme& programme) {
      const auto work = prepared(programme, xs, x_stride, rows, at<float>(y), y_stride, add);
      // Waiting for another thread takes as long as a few rows' codes.
      programme.add_rows(work->filled.empty() ? 0 : rows, rows < 4 ? rows : 1, [work](int64_t row) { work->fill(row); }, true);
      programme.add(
          work->tasks(), [this, work](int64_t task) { product(*work, task); },
          [this](int64_t task) { return fetch(task); });
    });
  }

  // The products with a layout's adapters around them, `y` being new. `copies` [rows, layers, inputs] takes each layer's
  // own input where adapters change it before; at the end `y` is added to `into`, where there is one.
  void run_around(Address x_at, int64_t x_stride, Address copies_at, int64_t rows, Address y, Address into,
                  Plan* before, Plan* beside, Plan* after) const {
    const float* x = at<float>(x_at);
    float *copies = at<float>(copies_at), *result = at<float>(y), *sum = at<float>(into);
    const int64_t count = (int64_t)layers.size(), width = copies ? count * inputs : x_stride;
    const int64_t in = inputs, out = outputs;
    std::vector<const float*> xs(layers.size(), x);
    for (int64_t i = 0; copies && i < count; i++) xs[i] = copies + i * inputs;
    perform([&](Programme& programme) {
      const auto work = prepared(programme, xs, width, rows, result, outputs, false);
      for (Plan* plan : {before, beside, after})
        if (plan) plan->make_room(), programme.hold(plan);
      const auto copy = [=](int64_t row) {
        for (int64_t n = 0; n < count; n++) std::copy_n(x + row * x_stride, in, copies + row * width + n * in);
      };
      const bool reads = copies && !before->downs.empty();  // what it adds must be whole before the products begin
      if (reads) {
        programme.add(rows + (int64_t)before->downs.size(), [=](int64_t i) {
          if (i < rows) copy(i);
          else before->down(i - rows, x, x_stride);
        });
        programme.add((int64_t)before->ups.size(), [=](int64_t i) { before->up(i, copies, width); });
      }
      programme.add_rows(copies || !work->filled.empty() ? rows : 0, 1, [=](int64_t row) {
        if (copies && !reads) copy(row);
        if (copies) before->elementwise(row, copies + row * width);
        work->fill(row);
      }, !copies);
      const int64_t own = work->tasks(), downs = beside ? (int64_t)beside->downs.size() : 0;
      programme.add(
          own + downs,
          [=](int64_t i) {
            if (i < own) product(*work, i);
            else beside->down(i - own, x, x_stride);
          },
          [=](int64_t i) { return i < own ? fetch(i) : 0; });
      if (beside) {
        programme.add((int64_t)beside->ups.size(), [=](int64_t i) { beside->up(i, result, out); });
        programme.add_rows(after && !beside->affine.empty() ? rows : 0, 1,
                           [=](int64_t row) { beside->elementwise(row, result + row * out); });
      }
      if (after) {
        programme.add((int64_t)after->downs.size(), [=](int64_t i) { after->down(i, result, out); });
        programme.add((int64_t)after->ups.size(), [=](int64_t i) { after->up(i, result, out); });
      }
      const Plan* last = after ? after : beside;
      programme.add_rows(sum || (last && !last->affine.empty()) ? rows : 0, 1, [=](int64_t row) {
        float* from = result + row * out;
        if (last) last->elementwise(row, from);
        for (int64_t i = 0; sum && i < out; i++) sum[row * out + i] += from[i];
      });
    });
  }

 private:
  // Products of some rows: what each panel reads and where it writes.
  struct Work {
    std::vector<const float*> xs;
    int64_t x_stride, rows;
    float* y;
    int64_t y_stride;
    bool add;
    std::vector<Codes> codes;
    std::vector<int> which;   // a layer's codes
    std::vector<int> filled;  // the codes there are
    int64_t block, panels;    // rows of a task, panels of all layers

    int64_t tasks() const { return (rows + block - 1) / block * panels; }
    void fill(int64_t row) const {
      for (int i : filled) active->quantise(xs[i], x_stride, row, row + 1, codes[i]);
    }
  };

  std::shared_ptr<Work> prepared(Programme& programme, const std::vector<const float*>& xs, int64_t x_stride,
                                 int64_t rows, float* y, int64_t y_stride, bool add) const {
    programme.hold(this);
    // So many rows that their codes stay in the second cache while the panels pass by.
    const int64_t block = std::max<int64_t>(8, (512 * 1024 / inputs) / 8 * 8);
    const size_t count = layers.size();
    auto work = std::make_shared<Work>(Work{xs, x_stride, rows, y, y_stride, add, std::vector<Codes>(count),
                                            std::vector<int>(count, -1), {}, block, panels});
    for (size_t i = 0; i < count; i++) {
      if (layers[i].plain) continue;
      int& which = work->which[i];
      for (size_t j = 0; j < i && which < 0; j++)
        if (work->which[j] >= 0 && xs[j] == xs[i]) which = work->which[j];
      if (which >= 0) continue;
      which = (int)i;
      work->filled.push_back((int)i);
      work->codes[i] = room_for_codes(programme, (int)i, rows, inputs);
    }
    return work;
  }

  size_t layer_of(int64_t panel) const {
    size_t i = layers.size() - 1;
    while (first_panel[i] > panel) i--;
    return i;
  }

  // The weights that a task reads.
  int64_t fetch(int64_t task) const {
    const int64_t panel = task % panels;
    const size_t i = layer_of(panel);
    return layers[i].fetch(panel - first_panel[i]);
  }

  void product(const Work& work, int64_t task) const {
    const int64_t panel = task % panels, from = task / panels * work.block;
    const int64_t some = std::min(work.block, work.rows - from);
    const size_t i = layer_of(panel);
    const Layer& layer = layers[i];
    const int64_t inner = panel - first_panel[i];
    float* into = work.y + from * work.y_stride + first_output[i];
    if (layer.plain)
      active->dense(layer.dense, work.xs[i] + from * work.x_stride, work.x_stride, some, inner * PANEL,
                    std::min(layer.outputs(), (inner + 1) * PANEL), into, work.y_stride, work.add);
    else
      active->quantised(layer.quantised, part_of(work.codes[work.which[i]], from, some), inner, into, work.y_stride,
                        work.add);
  }
};

void dequantise(const Layer& layer, Address rows, int64_t count, Address into) {
  const int64_t* which = at<int64_t>(rows);
  const Quantised& q = layer.quantised;
  perform([&](Programme& programme) {
    programme.hold(&layer);
    programme.add(count, 8, [=, &q](int64_t i) {
      active->dequantise(q, which ? which[i] : i, at<float>(into) + i * q.inputs);
    });
  });
}

void round4(int64_t outputs, int64_t inputs, Address weight, Address importance, Address row_scale, Address row_minimum,
            Address codes, Address scales, Address minima) {
  const Rounding r{outputs,
                   inputs,
                   at<float>(weight),
                   at<float>(importance),
                   at<float>(row_scale),
                   at<float>(row_minimum),
                   at<uint8_t>(codes),
                   at<uint8_t>(scales),
                   at<uint8_t>(minima)};
  each((outputs + PANEL - 1) / PANEL, 1, [&](int64_t panel) { active->round4(r, panel); });
}

}  // namespace

void astra::define_linears(nb::module_& m) {
  nb::class_<Layer>(m, "Layer")
      .def_prop_ro("outputs", &Layer::outputs)
      .def_prop_ro("inputs", &Layer::inputs);
  m.def("dense_layer", &dense_layer);
  m.def("quantised_layer", &quantised_layer);
  nb::class_<Linears>(m, "Linears")
      .def(nb::init<const std::vector<Layer>&>())
      .def("run", &Linears::run)
      .def("run_apart", &Linears::run_apart)
      .def("run_around", &Linears::run_around, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
           nb::arg().none(), nb::arg().none(), nb::arg().none());
  nb::class_<Plan>(m, "Plan").def(nb::init<>()).def("add", &Plan::add).def("add_affine", &Plan::add_affine).def("run", &Plan::run);
  m.def("dequantise", &dequantise);
  m.def("round4", &round4);
}
