// The Python face of attention over a paged cache.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <utility>
#include <vector>

#include "bindings.h"

namespace nb = nanobind;
using namespace astra;

namespace {

// The attention of one step: who sees what. The same for every layer.
struct Step {
  std::vector<Segment> segments;
  std::vector<int32_t> pages;
  struct Tile {
    int segment;
    int64_t kv_head, query, queries, first_split, last_split, first_task;
  };
  std::vector<Tile> tiles;
  std::vector<std::pair<int, int64_t>> tasks;  // tile, split
  struct Stretch {
    int segment;
    int64_t from, to;
  };
  std::vector<Stretch> stretches;  // of tokens that are kept together
  int64_t heads, kv_heads, window;

  Step(const std::vector<int32_t>& table, const std::vector<int32_t>& page_numbers, int64_t heads_, int64_t kv_heads_,
       int64_t window_)
      : pages(page_numbers), heads(heads_), kv_heads(kv_heads_), window(window_) {
    const int64_t group = heads / kv_heads;
    for (size_t i = 0; i + 3 < table.size(); i += 4)
      segments.push_back({table[i], table[i + 1], table[i + 2], pages.data() + table[i + 3]});
    for (size_t s = 0; s < segments.size(); s++) {
      const Segment& segment = segments[s];
      for (int64_t from = 0; from < segment.count; from += 4)
        stretches.push_back({(int)s, from, std::min<int64_t>(segment.count, from + 4)});
      for (int64_t query = 0; query < segment.count * group; query += QUERIES) {
        const int64_t queries = std::min<int64_t>(QUERIES, segment.count * group - query);
        const int64_t first_seen = segment.position + query / group + 1;
        const int64_t last_seen = segment.position + (query + queries - 1) / group + 1;
        const int64_t first = window > 0 && first_seen > window ? (first_seen - window) / SPLIT : 0;
        for (int64_t kv_head = 0; kv_head < kv_heads; kv_head++) {
          tiles.push_back({(int)s, kv_head, query, queries, first, (last_seen + SPLIT - 1) / SPLIT, (int64_t)tasks.size()});
          for (int64_t split = first; split < tiles.back().last_split; split++)
            tasks.push_back({(int)tiles.size() - 1, split});
        }
      }
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
           Address v, int64_t v_row, int64_t v_head, Address out) {
    a.q = at<float>(q), a.q_row = q_row, a.q_head = q_head;
    a.k = at<float>(k), a.k_row = k_row, a.k_head = k_head;
    a.v = at<float>(v), a.v_row = v_row, a.v_head = v_head;
    a.out = at<float>(out);
    static thread_local std::vector<float> memory;
    const int64_t record = a.padded_width + 2, block = QUERIES * record;
    const int64_t tiles = (int64_t)step.tiles.size(), tasks = (int64_t)step.tasks.size();
    const int64_t stretches = (int64_t)step.stretches.size();
    const auto keep = [&](int64_t i) {
      const Step::Stretch& stretch = step.stretches[i];
      for (int64_t token = stretch.from; token < stretch.to; token++) active->keep(a, step.segments[stretch.segment], token);
    };
    const auto attend = [&](const Step::Tile& tile, int64_t split, float* into) {
      active->attend(a, step.segments[tile.segment], tile.kv_head, tile.query, tile.queries, split, into);
    };
    if (tiles >= 8 * thread_count()) {  // enough for every thread: each computes and joins its own
      each_then_each(stretches, tiles, keep, [&](int64_t i) {
        static thread_local std::vector<float> own;
        const Step::Tile& tile = step.tiles[i];
        const int64_t splits = tile.last_split - tile.first_split;
        float* partial = scratch(own, splits * block);
        for (int64_t s = 0; s < splits; s++) attend(tile, tile.first_split + s, partial + s * block);
        combine(step, tile, partial, splits);
      });
      return;
    }
    for (int64_t i = 0; i < stretches; i++) keep(i);
    float* partial = scratch(memory, tasks * block);
    const auto first = [&](int64_t i) { attend(step.tiles[step.tasks[i].first], step.tasks[i].second, partial + i * block); };
    const auto second = [&](int64_t i) {
      const Step::Tile& tile = step.tiles[i];
      combine(step, tile, partial + tile.first_task * block, tile.last_split - tile.first_split);
    };
    if (tasks < 2 || step.segments[0].position * tasks < 64) {
      for (int64_t i = 0; i < tasks; i++) first(i);
      for (int64_t i = 0; i < tiles; i++) second(i);
    } else {
      each_then_each(tasks, tiles, first, second);
    }
  }

 private:
  // Joins what was computed of each split. The same numbers in the same order, however the work was shared out.
  void combine(const Step& step, const Step::Tile& tile, const float* partial, int64_t splits) const {
    const int64_t group = a.heads / a.kv_heads, record = a.padded_width + 2, block = QUERIES * record;
    const Segment& segment = step.segments[tile.segment];
    for (int64_t n = 0; n < tile.queries; n++) {
      const int64_t which = tile.query + n;
      const int64_t token = segment.token + which / group, head = tile.kv_head * group + which % group;
      float* out = a.out + token * a.heads * a.width + head * a.width;
      float most = -INFINITY, total = 0;
      for (int64_t s = 0; s < splits; s++) most = std::max(most, partial[s * block + n * record]);
      for (int64_t i = 0; i < a.width; i++) out[i] = 0;
      for (int64_t s = 0; s < splits; s++) {
        const float* p = partial + s * block + n * record;
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

}  // namespace

void astra::define_attention(nb::module_& m) {
  nb::class_<Step>(m, "Step").def(
      nb::init<const std::vector<int32_t>&, const std::vector<int32_t>&, int64_t, int64_t, int64_t>());
  nb::class_<AttentionLayer>(m, "Attention")
      .def(nb::init<int64_t, int64_t, int64_t, int64_t, float, int64_t, bool, Address, Address, Address, Address,
                    int64_t>())
      .def("run", &AttentionLayer::run);
}
