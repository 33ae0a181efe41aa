// The Python face of attention over a paged cache.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "bindings.h"
#include "programme.h"
#include "step.h"

namespace nb = nanobind;
using namespace astra;

namespace {

// Attention of one layer, of one operation on it: where its inputs lie, and the step it is done for.
struct Attending {
  Attention a;
  const Step* step = nullptr;
  enum { ALONE, BY_SPLIT, BY_TILE } shared = ALONE;  // how the work is shared out
  float* partial = nullptr;

  // Tasks of three phases, which must come in this order.
  std::vector<int64_t> prepare(const Step& now, Programme& programme) {
    step = &now;
    const int64_t tiles = (int64_t)step->tiles.size(), tasks = (int64_t)step->tasks.size();
    const int64_t stretches = (int64_t)step->stretches.size();
    if (tiles >= 8 * thread_count()) {  // enough for every thread: each computes and joins its own
      shared = BY_TILE;
      return {stretches, tiles, 0};
    }
    partial = programme.room<float>(PARTIAL, tasks * block());
    shared = tasks < 2 || step->segments[0].position * tasks < 64 ? ALONE : BY_SPLIT;
    if (shared == ALONE) return {1, 1, 1};
    return {1, tasks, tiles};
  }

  void keep(int64_t task) const {
    if (shared != BY_TILE)
      for (const Step::Stretch& stretch : step->stretches) keep(stretch);
    else
      keep(step->stretches[task]);
  }

  void attend(int64_t task) const {
    if (shared == BY_TILE) return attend_tile(step->tiles[task]);
    const int64_t tasks = (int64_t)step->tasks.size();
    for (int64_t i = task; i < (shared == ALONE ? tasks : task + 1); i++)
      attend(step->tiles[step->tasks[i].first], step->tasks[i].second, partial + i * block());
  }

  void combine(int64_t task) const {
    const int64_t tiles = (int64_t)step->tiles.size();
    for (int64_t i = task; i < (shared == ALONE ? tiles : task + 1); i++) {
      const Step::Tile& tile = step->tiles[i];
      combine(tile, partial + tile.first_task * block(), tile.last_split - tile.first_split);
    }
  }

 private:
  int64_t record() const { return a.padded_width + 2; }
  int64_t block() const { return QUERIES * record(); }

  void keep(const Step::Stretch& stretch) const {
    for (int64_t token = stretch.from; token < stretch.to; token++)
      active->keep(a, step->segments[stretch.segment], token);
  }

  void attend(const Step::Tile& tile, int64_t split, float* into) const {
    active->attend(a, step->segments[tile.segment], tile.kv_head, tile.query, tile.queries, split, into);
  }

  void attend_tile(const Step::Tile& tile) const {
    static thread_local std::vector<float> own;
    const int64_t splits = tile.last_split - tile.first_split;
    float* into = scratch(own, splits * block());
    for (int64_t s = 0; s < splits; s++) attend(tile, tile.first_split + s, into + s * block());
    combine(tile, into, splits);
  }

  // Joins what was computed of each split. The same numbers in the same order, however the work was shared out.
  void combine(const Step::Tile& tile, const float* parts, int64_t splits) const {
    const int64_t group = a.heads / a.kv_heads;
    const Segment& segment = step->segments[tile.segment];
    for (int64_t n = 0; n < tile.queries; n++) {
      const int64_t which = tile.query + n;
      const int64_t token = segment.token + which / group, head = tile.kv_head * group + which % group;
      float* out = a.out + token * a.heads * a.width + head * a.width;
      float most = -INFINITY, total = 0;
      for (int64_t s = 0; s < splits; s++) most = std::max(most, parts[s * block() + n * record()]);
      for (int64_t i = 0; i < a.width; i++) out[i] = 0;
      for (int64_t s = 0; s < splits; s++) {
        const float* p = parts + s * block() + n * record();
        if (p[0] == -INFINITY) continue;
        const float factor = splits == 1 ? 1.0f : std::exp(p[0] - most);
        total += factor * p[1];
        for (int64_t i = 0; i < a.width; i++) out[i] += factor * p[2 + i];
      }
      const float inverse = 1.0f / total;
      for (int64_t i = 0; i < a.width; i++) out[i] *= inverse;
    }
  }
};

struct AttentionLayer {
  Attention a{};

  AttentionLayer(int64_t heads, int64_t kv_heads, int64_t width, int64_t padded_width, float scale, int64_t window,
                 bool half, Address keys, Address values, Address cosine, Address sine, int64_t rotary) {
    a.heads = heads;
    a.kv_heads = kv_heads;
    a.width = width;
    a.padded_width = padded_width;
    a.scale = scale;
    a.window = window;
    a.half = half;
    a.keys = at<void>(keys);
    a.values = at<void>(values);
    a.cosine = at<float>(cosine);
    a.sine = at<float>(sine);
    a.rotary = rotary;
  }

  // q, k, v: address, numbers from token to token, numbers from head to head
  void run(const Step& step, Address q, int64_t q_row, int64_t q_head, Address k, int64_t k_row, int64_t k_head,
           Address v, int64_t v_row, int64_t v_head, Address out) const {
    auto attending = std::make_shared<Attending>(Attending{a});
    Attention& own = attending->a;
    own.q = at<float>(q), own.q_row = q_row, own.q_head = q_head;
    own.k = at<float>(k), own.k_row = k_row, own.k_head = k_head;
    own.v = at<float>(v), own.v_row = v_row, own.v_head = v_head;
    own.out = at<float>(out);
    perform([&](Programme& programme) {
      const size_t first = programme.phases.size();
      programme.phases.push_back({0, [=](int64_t i) { attending->keep(i); }});
      programme.phases.push_back({0, [=](int64_t i) { attending->attend(i); }});
      programme.phases.push_back({0, [=](int64_t i) { attending->combine(i); }});
      programme.add_of_step(step, [=, &programme](const Step& now) {
        const std::vector<int64_t> tasks = attending->prepare(now, programme);
        for (size_t i = 0; i < tasks.size(); i++) programme.phases[first + i].tasks = tasks[i];
      });
    });
  }
};

}  // namespace

void astra::define_attention(nb::module_& m) {
  nb::class_<Step>(m, "Step").def(
      nb::init<const std::vector<int32_t>&, const std::vector<int32_t>&, int64_t, int64_t, int64_t>());
  nb::class_<AttentionLayer>(m, "Attention")
      .def(nb::init<int64_t, int64_t, int64_t, int64_t, float, int64_t, bool, Address, Address, Address, Address,
                    int64_t>())
      .def("run", &AttentionLayer::run);
}
