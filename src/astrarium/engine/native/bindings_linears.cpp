// The Python face of linear layers: products, and the adapters around them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "bindings.h"
#include "layer.h"
#include "plan.h"
#include "products.h"
#include "programme.h"

namespace nb = nanobind;
using namespace astra;

namespace {

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

// Layers as Python holds them.
struct Linears : Group {
  using Group::Group;

  // `read`: whether the rows are tokens that are read.
  void run(Address x, int64_t x_stride, int64_t rows, bool read, Address y, int64_t y_stride, bool add) const {
    run_apart(std::vector<Address>(layers.size(), x), x_stride, rows, read, y, y_stride, add);
  }

  void run_apart(const std::vector<Address>& x, int64_t x_stride, int64_t rows, bool read, Address y, int64_t y_stride,
                 bool add) const {
    std::vector<const float*> xs;
    for (Address address : x) xs.push_back(at<float>(address));
    perform([&](Programme& programme) {
      programme.hold(this);
      const auto products =
          std::make_shared<Products>(programme, *this, xs, x_stride, rows, read, at<float>(y), y_stride, add);
      if (products->by_columns()) add_columns(programme, products);
      else if (products->prepares())
        programme.add_rows(rows, read ? 1 : rows, [=](int64_t row) { products->prepare_row(row); }, true);
      add_parts(programme, products, 0);
    });
  }

  // The products with a layout's adapters around them, `y` being new. `copies` [rows, layers, inputs] takes each layer's
  // own input where adapters change it before; at the end `y` is added to `into`, where there is one.
  void run_around(Address x_at, int64_t x_stride, Address copies_at, int64_t rows, bool read, Address y,
                  Address into, Plan* before, Plan* beside, Plan* after) const {
    const float* x = at<float>(x_at);
    float *copies = at<float>(copies_at), *result = at<float>(y), *sum = at<float>(into);
    const int64_t count = (int64_t)layers.size(), width = copies ? count * inputs : x_stride;
    const int64_t in = inputs, out = outputs;
    std::vector<const float*> xs(layers.size(), x);
    for (int64_t i = 0; copies && i < count; i++) xs[i] = copies + i * inputs;
    perform([&](Programme& programme) {
      programme.hold(this);
      const auto products = std::make_shared<Products>(programme, *this, xs, width, rows, read, result, outputs, false);
      for (Plan* plan : {before, beside, after})
        if (plan) plan->make_room(), programme.hold(plan);
      const auto copy = [=](int64_t row) {
        for (int64_t n = 0; n < count; n++) std::copy_n(x + row * x_stride, in, copies + row * width + n * in);
      };
      const bool adds = copies && !before->downs.empty();  // what it adds must be whole before the products begin
      if (adds) {
        programme.add(rows + (int64_t)before->downs.size(), [=](int64_t i) {
          if (i < rows) copy(i);
          else before->down(i - rows, x, x_stride);
        });
        programme.add((int64_t)before->ups.size(), [=](int64_t i) { before->up(i, copies, width); });
      }
      const bool by_columns = products->by_columns();
      programme.add_rows(copies || (products->prepares() && !by_columns) ? rows : 0, 1, [=](int64_t row) {
        if (copies && !adds) copy(row);
        if (copies) before->elementwise(row, copies + row * width);
        if (!by_columns) products->prepare_row(row);
      }, !copies);
      if (by_columns) add_columns(programme, products);
      const int64_t own = products->tasks(), downs = beside ? (int64_t)beside->downs.size() : 0;
      programme.add(
          own + downs,
          [=](int64_t i) {
            if (i < own) products->work(0, i);
            else beside->down(i - own, x, x_stride);
          },
          [=](int64_t i) { return i < own ? products->fetch(i) : 0; });
      add_parts(programme, products, 1);
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
  static void add_columns(Programme& programme, const std::shared_ptr<Products>& products) {
    if (products->prepares())
      programme.add(products->stretches(), [=](int64_t stretch) { products->prepare_columns(stretch); });
  }

  // The products' parts from one on.
  static void add_parts(Programme& programme, const std::shared_ptr<Products>& products, int64_t from) {
    for (int64_t part = from; part < products->parts(); part++)
      programme.add(
          products->tasks(), [=](int64_t task) { products->work(part, task); },
          [=](int64_t task) { return products->fetch(task); });
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
           nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none());
  nb::class_<Plan>(m, "Plan").def(nb::init<>()).def("add", &Plan::add).def("add_affine", &Plan::add_affine).def("run", &Plan::run);
  m.def("dequantise", &dequantise);
  m.def("round4", &round4);
}
