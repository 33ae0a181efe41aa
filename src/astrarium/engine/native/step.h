// One step as attention sees it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace astra {

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
    for (size_t i = 0; i + 3 < table.size(); i += 4)
      segments.push_back({table[i], table[i + 1], table[i + 2], pages.data() + table[i + 3]});
    for (size_t s = 0; s < segments.size(); s++)
      for (int64_t from = 0; from < segments[s].count; from += 4)
        stretches.push_back({(int)s, from, std::min<int64_t>(segments[s].count, from + 4)});
    lay_out(QUERIES);
    // A short reading by the heads of one token: enough for all threads, though keys and values are then read more often.
    if ((int64_t)tasks.size() < thread_count()) lay_out(std::max(4, QUERIES / thread_count()));
  }

 private:
  void lay_out(int64_t most) {
    tiles.clear(), tasks.clear();
    const int64_t group = heads / kv_heads;
    for (size_t s = 0; s < segments.size(); s++) {
      const Segment& segment = segments[s];
      for (int64_t query = 0; query < segment.count * group; query += most) {
        const int64_t queries = std::min(most, segment.count * group - query);
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

}  // namespace astra
