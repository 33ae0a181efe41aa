// The Python face of linear layers: products, and the adapters around them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <functional>
#include <vector>

#include "bindings.h"

namespace nb = nanobind;
using namespace astra;

namespace {

struct Activations {
  std::vector<int8_t> codes;
  std::vector<float> scales, sums;
  std::vector<int32_t> halves;
  Codes view;

  void make_room(int64_t rows, int64_t inputs) {
    const int64_t groups = inputs / GROUP;
    view = {rows, inputs, scratch(codes, rows * inputs), scratch(scales, rows * groups), scratch(sums, rows * groups),
            scratch(halves, 2 * rows * groups)};
  }

  Codes part(int64_t from, int64_t rows) const {
    const int64_t groups = view.inputs / GROUP;
    return {rows, view.inputs, view.codes + from * view.inputs, view.scales + from * groups, view.sums + from * groups,
            view.halves + 2 * from * groups};
  }
};

struct Layer {
  bool plain;
  Quantised quantised;
  Dense dense;

  int64_t outputs() const { return plain ? dense.outputs : quantised.outputs; }
  int64_t inputs() const { return plain ? dense.inputs : quantised.inputs; }
  int64_t panels() const { return (outputs() + PANEL - 1) / PANEL; }
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

  void run(Address x, int64_t x_stride, Address y, int64_t y_stride) {
    make_room();
    each_then_each(
        (int64_t)downs.size(), (int64_t)ups.size(), [&](int64_t i) { down(i, at<float>(x), x_stride); },
        [&](int64_t i) { up(i, at<float>(y), y_stride); });
    for (const Affine& a : affine)
      for (int64_t row = a.row; row < a.row + a.rows; row++) apply(a, at<float>(y) + row * y_stride);
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
    std::vector<const float*> xs(layers.size(), at<float>(x));
    run_each(xs, x_stride, rows, at<float>(y), y_stride, add);
  }

  void run_apart(const std::vector<Address>& x, int64_t x_stride, int64_t rows, Address y, int64_t y_stride,
                 bool add) const {
    std::vector<const float*> xs;
    for (Address address : x) xs.push_back(at<float>(address));
    run_each(xs, x_stride, rows, at<float>(y), y_stride, add);
  }

  // The products with a layout's adapters around them, `y` being new. `copies` [rows, layers, inputs] takes each layer's
  // own input where adapters change it before; at the end `y` is added to `into`, where there is one.
  void run_around(Address x_at, int64_t x_stride, Address copies_at, int64_t rows, Address y, Address into,
                  Plan* before, Plan* beside, Plan* after) const {
    const float* x = at<float>(x_at);
    float *copies = at<float>(copies_at), *result = at<float>(y), *sum = at<float>(into);
    const int64_t count = (int64_t)layers.size(), width = copies ? count * inputs : x_stride;
    std::vector<const float*> xs(layers.size(), x);
    for (int64_t i = 0; copies && i < count; i++) xs[i] = copies + i * inputs;
    const Work work = prepared(xs, width, rows, result, outputs, false);
    for (Plan* plan : {before, beside, after})
      if (plan) plan->make_room();
    std::vector<Phase> phases;
    const auto phase = [&](int64_t tasks, std::function<void(int64_t)> task) {
      if (tasks) phases.push_back({tasks, std::move(task)});
    };
    const auto copy = [&](int64_t row) {
      for (int64_t n = 0; n < count; n++) std::copy_n(x + row * x_stride, inputs, copies + row * width + n * inputs);
    };
    const bool reads = copies && !before->downs.empty();  // what it adds must be whole before the products begin
    if (reads) {
      phase(rows + before->downs.size(), [&](int64_t i) {
        if (i < rows) copy(i);
        else before->down(i - rows, x, x_stride);
      });
      phase(before->ups.size(), [&](int64_t i) { before->up(i, copies, width); });
    }
    if (copies || !work.filled.empty())
      phase(rows, [&](int64_t row) {
        if (copies && !reads) copy(row);
        if (copies) before->elementwise(row, copies + row * width);
        for (size_t number = 0; number < work.filled.size(); number++) work.fill(number, row);
      });
    const int64_t own = work.tasks(), downs = beside ? beside->downs.size() : 0;
    phase(own + downs, [&, own](int64_t i) {
      if (i < own) product(work, i);
      else beside->down(i - own, x, x_stride);
    });
    if (beside) {
      phase(beside->ups.size(), [&](int64_t i) { beside->up(i, result, outputs); });
      if (after && !beside->affine.empty())
        phase(rows, [&](int64_t row) { beside->elementwise(row, result + row * outputs); });
    }
    if (after) {
      phase(after->downs.size(), [&](int64_t i) { after->down(i, result, outputs); });
      phase(after->ups.size(), [&](int64_t i) { after->up(i, result, outputs); });
    }
    Plan* last = after ? after : beside;
    if (sum || (last && !last->affine.empty()))
      phase(rows, [&](int64_t row) {
        float* from = result + row * outputs;
        if (last) last->elementwise(row, from);
        for (int64_t i = 0; sum && i < outputs; i++) sum[row * outputs + i] += from[i];
      });
    in_turn(phases);
  }

 private:
  // Products of some rows: what each panel reads and where it writes.
  struct Work {
    const std::vector<const float*>& xs;
    int64_t x_stride, rows;
    float* y;
    int64_t y_stride;
    bool add;
    std::vector<Activations>& codes;
    std::vector<int> which;   // a layer's codes
    std::vector<int> filled;  // the codes there are
    int64_t block, panels;    // rows of a task, panels of all layers

    int64_t tasks() const { return (rows + block - 1) / block * panels; }
    void fill(int64_t number, int64_t row) const {
      const int i = filled[number];
      active->quantise(xs[i], x_stride, row, row + 1, codes[i].view);
    }
  };

  Work prepared(const std::vector<const float*>& xs, int64_t x_stride, int64_t rows, float* y, int64_t y_stride,
                bool add) const {
    static thread_local std::vector<Activations> codes(1);
    if (codes.size() < layers.size()) codes.resize(layers.size());
    // So many rows that their codes stay in the second cache while the panels pass by.
    const int64_t block = std::max<int64_t>(8, (512 * 1024 / inputs) / 8 * 8);
    Work work{xs, x_stride, rows, y, y_stride, add, codes, std::vector<int>(layers.size(), -1), {}, block, panels};
    for (size_t i = 0; i < layers.size(); i++) {
      if (layers[i].plain) continue;
      for (size_t j = 0; j < i && work.which[i] < 0; j++)
        if (work.which[j] >= 0 && xs[j] == xs[i]) work.which[i] = work.which[j];
      if (work.which[i] >= 0) continue;
      work.which[i] = (int)i;
      work.filled.push_back((int)i);
      codes[i].make_room(rows, inputs);
    }
    return work;
  }

  void product(const Work& work, int64_t task) const {
    const int64_t panel = task % panels, from = task / panels * work.block;
    const int64_t some = std::min(work.block, work.rows - from);
    size_t i = layers.size() - 1;
    while (first_panel[i] > panel) i--;
    const Layer& layer = layers[i];
    const int64_t inner = panel - first_panel[i];
    float* into = work.y + from * work.y_stride + first_output[i];
    if (layer.plain)
      active->dense(layer.dense, work.xs[i] + from * work.x_stride, work.x_stride, some, inner * PANEL,
                    std::min(layer.outputs(), (inner + 1) * PANEL), into, work.y_stride, work.add);
    else
      active->quantised(layer.quantised, work.codes[work.which[i]].part(from, some), inner, into, work.y_stride,
                        work.add);
  }

  void run_each(const std::vector<const float*>& xs, int64_t x_stride, int64_t rows, float* y, int64_t y_stride,
                bool add) const {
    const Work work = prepared(xs, x_stride, rows, y, y_stride, add);
    for (size_t number = 0; number < work.filled.size(); number++)
      each(rows, rows < 4 ? rows : 1, [&](int64_t row) { work.fill(number, row); });
    share(work.tasks(), [&](int64_t task) { product(work, task); });
  }
};

void dequantise(const Layer& layer, Address rows, int64_t count, Address into) {
  const int64_t* which = at<int64_t>(rows);
  const Quantised& q = layer.quantised;
  each(count, 8, [&](int64_t i) { active->dequantise(q, which ? which[i] : i, at<float>(into) + i * q.inputs); });
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
