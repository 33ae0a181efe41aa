// A linear layer as products take it, and layers that see the same activations.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace astra {

struct Layer {
  bool plain;
  Quantised quantised;
  Dense dense;

  int64_t outputs() const { return plain ? dense.outputs : quantised.outputs; }
  int64_t inputs() const { return plain ? dense.inputs : quantised.inputs; }
  int64_t panels() const { return (outputs() + PANEL - 1) / PANEL; }

  // Asks for the weights of some panels; their scales are few.
  int64_t fetch(int64_t panel, int64_t count) const {
    const int64_t outputs_of = std::min(count * PANEL, plain ? outputs() - panel * PANEL : count * PANEL);
    const int64_t bits = plain ? (dense.half ? 16 : 32) : quantised.bits, bytes = outputs_of * inputs() * bits / 8;
    const char* weights = plain ? (const char*)dense.weight : (const char*)quantised.codes;
    fetch_near(weights + panel * PANEL * inputs() * bits / 8, bytes);
    return bytes;
  }
};

// Linear layers that see the same activations; their outputs lie side by side.
struct Group {
  // Panels of one layer, one or two.
  struct Unit {
    int layer;
    int64_t panel;
    int count;
  };
  std::vector<Layer> layers;
  std::vector<int64_t> first_output;
  std::vector<Unit> singles, pairs;  // all panels one by one, and two by two where weights are quantised
  int64_t outputs = 0, inputs = 0;
  bool reads = false;  // whether a layer has products of its own for tokens that are read

  explicit Group(const std::vector<Layer>& given) : layers(given) {
    for (size_t i = 0; i < layers.size(); i++) {
      const Layer& layer = layers[i];
      const int64_t panels = layer.panels();
      for (int64_t panel = 0; panel < panels; panel++) singles.push_back({(int)i, panel, 1});
      for (int64_t panel = 0, two = layer.plain ? 1 : 2; panel < panels; panel += two)
        pairs.push_back({(int)i, panel, (int)std::min(two, panels - panel)});
      first_output.push_back(outputs);
      outputs += layer.outputs();
      inputs = layer.inputs();
      reads |= !layer.plain;
    }
  }
};

}  // namespace astra
