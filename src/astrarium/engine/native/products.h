// Products of layers that see the same activations, as tasks: what each row needs first, and what each task multiplies.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bindings.h"
#include "layer.h"
#include "programme.h"

namespace astra {

class Products {
 public:
  // `xs`: what each layer sees. `read`: whether the rows are tokens that are read. `add`: to what stands in `y`.
  Products(Programme& programme, const Group& group, const std::vector<const float*>& xs, int64_t x_stride, int64_t rows,
           bool read, float* y, int64_t y_stride, bool add)
      : group_(group), xs_(xs), x_stride_(x_stride), rows_(rows), read_(read && group.reads && active->read), y_(y),
        y_stride_(y_stride), add_(add), units_(read_ ? group.pairs : group.singles), made_by_(xs.size()) {
    // So many rows that their numbers stay in the second cache while the panels pass by: half of one megabyte in bytes,
    // one in bf16. Very wide rows are cut for that, but not where there are few of them.
    const int64_t inputs = group.inputs;
    cut_ = read_ && rows * inputs > NUMBERS ? std::min(inputs, WIDEST) : inputs;
    block_ = std::max(TOGETHER, NUMBERS / cut_ / TOGETHER * TOGETHER);
    for (size_t i = 0; i < xs.size(); i++) {
      made_by_[i] = (int)i;
      if (group.layers[i].plain) continue;
      for (size_t j = 0; j < i; j++)
        if (!group.layers[j].plain && xs[j] == xs[i]) made_by_[i] = made_by_[j];
      if (made_by_[i] == (int)i) ready_.push_back((int)i);
    }
    codes_.resize(xs.size()), halved_.resize(xs.size());
    for (int i : ready_) {
      const int64_t held = over(rows, TALL) * TALL * inputs;
      if (read_) halved_[i] = programme.room<uint16_t>(CODES + 5 * i + 4, held);
      else codes_[i] = room_for_codes(programme, CODES + 5 * i);
    }
  }

  bool prepares() const { return !ready_.empty(); }
  // What makes activations ready goes row by row, or, where several rows' codes share a line of the cache, which threads
  // would take from each other, by stretches of columns.
  bool by_columns() const { return !read_ && rows_ >= MANY; }
  int64_t stretches() const { return over(group_.inputs / GROUP, COLUMNS); }
  void prepare_row(int64_t row) const {
    for (int i : ready_)
      if (read_) halve(i, row);
      else quantise(i, row, row + 1, 0, group_.inputs / GROUP);
  }
  void prepare_columns(int64_t stretch) const {
    const int64_t from = stretch * COLUMNS;
    for (int i : ready_) quantise(i, 0, rows_, from, std::min(group_.inputs / GROUP, from + COLUMNS));
  }

  // The parts come one after another, each when the one before is done.
  int64_t parts() const { return over(group_.inputs, cut_); }
  int64_t tasks() const { return (int64_t)units_.size() * over(rows_, block_); }
  void work(int64_t part, int64_t task) const {
    const Group::Unit& unit = units_[task % units_.size()];
    const int64_t from = task / (int64_t)units_.size() * block_, to = std::min(rows_, from + block_);
    const Layer& layer = group_.layers[unit.layer];
    if (layer.plain) {
      if (part == 0) plain(unit, layer, from, to);
    } else if (read_) {
      read(unit, layer, part, from);
    } else {
      write(unit, layer, from, to);
    }
  }
  // The weights that a task reads.
  int64_t fetch(int64_t task) const {
    const Group::Unit& unit = units_[task % units_.size()];
    return group_.layers[unit.layer].fetch(unit.panel, unit.count);
  }

 private:
  static constexpr int64_t NUMBERS = 512 * 1024, TOGETHER = 2 * TALL;
  static constexpr int64_t WIDEST = 2048;  // in whole stretches
  static constexpr int64_t MANY = 4;       // rows: waiting for another thread takes as long as the codes of fewer
  static constexpr int64_t COLUMNS = 8;    // groups of a stretch of columns
  const Group& group_;
  std::vector<const float*> xs_;
  int64_t x_stride_, rows_;
  bool read_;
  float* y_;
  int64_t y_stride_;
  bool add_;
  const std::vector<Group::Unit>& units_;
  int64_t cut_, block_;        // inputs of a part, rows of a task
  std::vector<int> made_by_;   // of each layer, the one whose numbers it reads too
  std::vector<int> ready_;     // those that have numbers of their own
  std::vector<Codes> codes_;
  std::vector<uint16_t*> halved_;

  static int64_t over(int64_t all, int64_t part) { return (all + part - 1) / part; }
  float* into(const Group::Unit& unit, int64_t row) const { return y_ + row * y_stride_ + group_.first_output[unit.layer]; }

  Codes room_for_codes(Programme& programme, int use) const {
    const int64_t tall = std::min<int64_t>(rows_, TALL), held = over(rows_, tall) * tall;
    const int64_t inputs = group_.inputs, groups = inputs / GROUP;
    return {rows_, inputs, tall, programme.room<int8_t>(use, held * inputs), programme.room<float>(use + 1, held * groups),
            programme.room<float>(use + 2, held * groups), programme.room<int32_t>(use + 3, 2 * held * groups)};
  }

  void quantise(int source, int64_t from, int64_t to, int64_t first, int64_t last) const {
    active->quantise(xs_[source], x_stride_, from, to, first, last, codes_[source]);
  }

  void write(const Group::Unit& unit, const Layer& layer, int64_t from, int64_t to) const {
    const Codes& all = codes_[made_by_[unit.layer]];
    const int64_t at = from * all.groups();  // the first of rows that lie together
    const Codes part{to - from, all.inputs, all.tall, all.codes + at * GROUP, all.scales + at, all.sums + at, all.halves + 2 * at};
    active->quantised(layer.quantised, part, unit.panel, into(unit, from), y_stride_, add_);
  }

  void plain(const Group::Unit& unit, const Layer& layer, int64_t from, int64_t to) const {
    active->dense(layer.dense, xs_[unit.layer] + from * x_stride_, x_stride_, to - from, unit.panel * PANEL,
                  std::min(layer.outputs(), (unit.panel + 1) * PANEL), into(unit, from), y_stride_, add_);
  }

  // The rows of a task, from one on.
  Halved block_of(int source, int64_t from) const {
    return {std::min(block_, rows_ - from), group_.inputs, halved_[source] + from * group_.inputs};
  }

  void halve(int source, int64_t row) const {
    const int64_t first = row / block_ * block_;
    active->halve(xs_[source] + first * x_stride_, x_stride_, row - first, block_of(source, first));
  }

  void read(const Group::Unit& unit, const Layer& layer, int64_t part, int64_t from) const {
    const Halved some = block_of(made_by_[unit.layer], from);
    // Summed by the same pieces whether they are one part's or several's.
    const int64_t last = std::min(some.inputs, (part + 1) * cut_);
    for (int64_t at = part * cut_; at < last; at += WIDEST)
      active->read(layer.quantised, some, unit.panel, unit.count, at / GROUP, std::min(last, at + WIDEST) / GROUP,
                   into(unit, from), y_stride_, add_ || at > 0);
  }
};

}  // namespace astra
