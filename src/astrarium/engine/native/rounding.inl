// Rounding to four bits: for each group of inputs the range with the least weighted error. A panel's rows at a time,
// one a lane. `formats/rounding.py` has the same in torch.

namespace ASTRA_ISA {
using namespace astra;

constexpr int TRIES = 12;           // widths of the range that are tried for a group
constexpr float NARROWER = 0.035f;  // how much each is narrower than the one before
constexpr float TINY = 1e-30f;
constexpr float MOST_CODE = 15.0f, MOST_STEP = 255.0f;

inline vf within(vf x, float most) { return minimum(maximum(x, zero()), set1(most)); }

// A range on the row's grid: what is stored, and what it stands for.
struct Range {
  vf scale, minimum;  // whole numbers
  vf step, floor;     // times the row's factors
};

inline Range on_grid(vf scale, vf minimum, vf row_scale, vf row_minimum) {
  Range r;
  r.scale = within(round_even(divide(scale, row_scale)), MOST_STEP);
  r.minimum = within(round_even(divide(minimum, row_minimum)), MOST_STEP);
  r.step = mul(r.scale, row_scale);
  r.floor = mul(r.minimum, row_minimum);
  return r;
}

inline vf inverse_of(vf step) { return divide(set1(1.0f), maximum(step, set1(TINY))); }
inline vf code_of(vf x, const Range& r, vf inverse) {
  return within(round_even(mul(sub(x, r.floor), inverse)), MOST_CODE);
}

// Sums over a group, with the weights of its inputs: the squared error, and what a straight line from codes to values
// is fitted with.
struct Sums {
  vf error, codes, squares, products;
};

static Sums measure(const vf* x, const float* importance, const Range& r) {
  Sums s = {zero(), zero(), zero(), zero()};
  const vf inverse = inverse_of(r.step);
  for (int i = 0; i < GROUP; i++) {
    const vf code = code_of(x[i], r, inverse), weight = set1(importance[i]);
    const vf missed = sub(fma(code, r.step, r.floor), x[i]), weighted = mul(code, weight);
    s.error = fma(mul(missed, missed), weight, s.error);
    s.codes = add(s.codes, weighted);
    s.squares = fma(weighted, code, s.squares);
    s.products = fma(weighted, x[i], s.products);
  }
  return s;
}

static Range best_range(const vf* x, const float* importance, vf row_scale, vf row_minimum) {
  vf low = zero(), high = zero(), values = zero();
  float total = 0;
  for (int i = 0; i < GROUP; i++) {
    low = minimum(low, x[i]);
    high = maximum(high, x[i]);
    values = fma(x[i], set1(importance[i]), values);
    total += importance[i];
  }
  Range best = {zero(), zero(), zero(), zero()};
  vf least = set1(INFINITY);
  const auto keep = [&](const Range& r, vf error) {
    best.scale = where_less(error, least, r.scale, best.scale);
    best.minimum = where_less(error, least, r.minimum, best.minimum);
    best.step = where_less(error, least, r.step, best.step);
    best.floor = where_less(error, least, r.floor, best.floor);
    least = minimum(error, least);
  };
  for (int t = 0; t < TRIES; t++) {
    const vf share = set1(1.0f - NARROWER * (float)t);
    const Range r = on_grid(mul(mul(sub(high, low), share), set1(1 / MOST_CODE)), mul(low, share), row_scale, row_minimum);
    const Sums s = measure(x, importance, r);
    keep(r, s.error);
    // The least squares of these codes: slope and intercept.
    const vf mean = mul(s.codes, set1(1 / total));
    const vf spread = maximum(fnma(mean, s.codes, s.squares), set1(TINY));
    const vf slope = maximum(divide(fnma(mean, values, s.products), spread), zero());
    const vf intercept = minimum(mul(fnma(slope, s.codes, values), set1(1 / total)), zero());
    const Range fitted = on_grid(slope, intercept, row_scale, row_minimum);
    keep(fitted, measure(x, importance, fitted).error);
  }
  return best;
}

static void round4(const Rounding& r, int64_t panel) {
  const int64_t groups = r.inputs / GROUP;
  for (int half = 0; half < HALVES; half++) {
    const int64_t row = panel * PANEL + half * W;
    const int count = (int)std::min<int64_t>(W, r.outputs - row);
    if (count <= 0) return;
    // A row of zeros has no grid, and any will do: its codes are 0.
    const vf row_scale = maximum(load_part(r.row_scale + row, count), set1(TINY));
    const vf row_minimum = minimum(load_part(r.row_minimum + row, count), set1(-TINY));
    for (int64_t g = 0; g < groups; g++) {
      vf x[GROUP];
      float lanes[W] = {};
      for (int i = 0; i < GROUP; i++) {
        for (int lane = 0; lane < count; lane++) lanes[lane] = r.weight[(row + lane) * r.inputs + g * GROUP + i];
        x[i] = load(lanes);
      }
      const Range best = best_range(x, r.importance + g * GROUP, row_scale, row_minimum);
      const vf inverse = inverse_of(best.step);
      float scales[W], minima[W];
      store(scales, best.scale);
      store(minima, best.minimum);
      for (int lane = 0; lane < count; lane++) {
        r.scales[(row + lane) * groups + g] = (uint8_t)scales[lane];
        r.minima[(row + lane) * groups + g] = (uint8_t)minima[lane];
      }
      for (int i = 0; i < GROUP; i++) {
        store(lanes, code_of(x[i], best, inverse));
        for (int lane = 0; lane < count; lane++) r.codes[(row + lane) * r.inputs + g * GROUP + i] = (uint8_t)lanes[lane];
      }
    }
  }
}

}  // namespace ASTRA_ISA
