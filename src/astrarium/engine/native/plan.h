// What adapters do around linear layers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bindings.h"
#include "programme.h"

namespace astra {

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

}  // namespace astra
