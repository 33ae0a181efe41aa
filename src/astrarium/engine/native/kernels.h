// What the kernels work on, and the table of them that each instruction set fills.
#pragma once

#include <cstdint>

namespace astra {

constexpr int PANEL = 16;  // output rows that are stored together
constexpr int GROUP = 32;  // inputs that share a scale
constexpr int PAGE = 32;   // positions a page of the cache holds
constexpr int SPLIT = 256; // positions whose attention is computed together
constexpr int QUERIES = 16; // and the queries that share a reading of them
constexpr int TALL = 16;   // rows of activations whose codes lie together, where there are so many

enum class Scales : int {
  half = 0,   // fp16 a row and group, and perhaps an fp16 minimum
  byte = 1,   // u8 a row and group, times fp32 a row; perhaps a minimum of the same kind
  super4 = 2, // GGUF's Q4_K: u8 a row and group, times fp16 a row and eight groups; minima alike
  super6 = 3, // GGUF's Q6_K: i8 a row and half group, times fp16 a row and eight groups
};

// A quantised linear layer [outputs, inputs], outputs padded to whole panels. Of panel p and group g:
// codes at ((p * groups + g) * 16 * 32 * bits / 8): for each four inputs the bytes of 16 rows; with four bits the low
// halves are inputs 0..15 of the group, the high halves inputs 16..31.
struct Quantised {
  int64_t outputs, inputs;
  int bits;
  Scales kind;
  int offset;             // what is taken from each code
  bool has_table;         // whether codes are looked up first
  uint8_t table[16];
  const uint8_t* codes;
  const void* scales;     // [panels, groups, 16]
  const void* minima;     // [panels, groups, 16] or null
  const uint16_t* super_scales;  // [panels, groups / 8, 16]
  const uint16_t* super_minima;
  const float* row_scale;        // [panels * 16] or null
  const float* row_minimum;
  const float* bias;             // [outputs] or null
};

// A linear layer with plain weights, row by row.
struct Dense {
  int64_t outputs, inputs;
  bool half;  // bf16
  const void* weight;
  const float* bias;
};

// Rows of activations, quantised in groups of 32. `tall` rows lie together, group by group, so that the codes of a group
// are one piece of memory for all of them: [rows / tall, groups, tall], of the codes 32 each.
struct Codes {
  int64_t rows, inputs, tall;
  int8_t* codes;
  float* scales;
  float* sums;        // scale times the sum of the codes
  int32_t* halves;    // the sums of the two half groups, 2 each

  int64_t groups() const { return inputs / GROUP; }
  // Where a row's first group lies; the next lies `tall` further. Rows that lie together follow each other.
  int64_t first(int64_t row) const { return row / tall * tall * groups() + row % tall; }
};

// Rows of activations in bf16 for the matrix unit, in the order in which it takes them: of each stretch of groups all rows,
// sixteen together: [groups / stretch, rows / 16, stretch, 16, 32].
struct Halved {
  static constexpr int64_t STRETCH = 8, TILE = 16 * GROUP;  // groups; numbers of sixteen rows' group
  int64_t rows, inputs;
  uint16_t* numbers;
  int64_t groups() const { return inputs / GROUP; }
  int64_t blocks() const { return (rows + 15) / 16; }
  // Where sixteen rows have a group, the first of a stretch, and how many of the stretch follow there.
  int64_t first(int64_t block, int64_t g) const { return (g * blocks() + block * count(g)) * TILE; }
  int64_t count(int64_t g) const { return groups() - g < STRETCH ? groups() - g : STRETCH; }
};

// The arithmetic of one adapter at one site, on rows that follow each other.
struct Part {
  int64_t row, rows;      // of the step
  int64_t rank, inputs, outputs;
  bool half;              // bf16 weights
  int activation;         // of the bottleneck; 0 none
  float scale;
  // Where the rank is small [rank, inputs] and [rank, outputs]; else in panels of 16 outputs, [panels, inputs, 16] each.
  const void *down, *up;
  bool panels;
  int64_t x_column, y_column;  // where its inputs and outputs begin in a row
  float* hidden;          // [rows, rank]
};

// One request's share of a step.
struct Segment {
  int32_t token, count;   // its tokens in the step
  int32_t position;       // of the first of them
  const int32_t* pages;
};

struct Attention {
  int64_t heads, kv_heads, width, padded_width;
  float scale;
  int64_t window;         // 0: everything before
  bool half;              // the cache is bf16
  // fp32: [pages, kv_heads, width, 32], [pages, kv_heads, 32, padded_width]
  // bf16: [pages, kv_heads, width / 2, 32, 2], [pages, kv_heads, 16, padded_width, 2]
  void *keys, *values;
  float *q, *k, *v;       // of the first token
  int64_t q_row, k_row, v_row;     // numbers from token to token
  int64_t q_head, k_head, v_head;  // and from head to head
  const float *cosine, *sine;      // [positions, rotary / 2] or null
  int64_t rotary;
  float* out;             // [tokens, heads * width]
};

// Plain weights to be rounded to four bits, and where the result goes, output by output.
struct Rounding {
  int64_t outputs, inputs;
  const float* weight;       // [outputs, inputs]
  const float* importance;   // [inputs]: what an error of each weighs
  const float* row_scale;    // [outputs]
  const float* row_minimum;  // [outputs], not above 0
  uint8_t* codes;            // [outputs, inputs]
  uint8_t *scales, *minima;  // [outputs, groups]
};

// What lies between the products of a training pass (training.inl), for one type of activations.
struct Training {
  float (*cross_entropy)(void* x, int64_t n, int64_t target, bool learns);
  float (*soften)(void* x, int64_t n, int64_t from, int64_t to, float scale);
  void (*harden)(void* x, void* d, int64_t n, int64_t from, int64_t to, float scale, float log, float shared);
  void (*gate_forward)(int kind, const void* g, const void* u, void* y, int64_t n);
  void (*gate_backward)(int kind, const void* d, const void* g, const void* u, void* dg, void* du, int64_t n);
  void (*drop)(const void* x, void* y, int64_t n, uint32_t place, uint32_t seed, uint32_t threshold, float scale,
               bool plus);
  void (*added)(const float* x, const void* y, float* into, int64_t n);
  float (*rms_forward)(const float* x, const float* weight, float epsilon, int64_t n, void* y);
  void (*rms_backward)(const void* d, const float* x, const float* weight, float r, int64_t n, float* dx);
  void (*turn)(const void* x, const float* cosine, const float* sine, float sign, int64_t half, int64_t n, void* y);
};

// Attention of a training pass in bf16 (training_attention.inl).
constexpr int64_t TRAINING_BLOCK = 64;   // queries, and keys, that are taken together
constexpr int64_t TRAINING_WIDTH = 256;  // the widest head

// A row of a packed batch: its tokens, and its first block among those of all rows.
struct TrainingRow {
  int64_t start, length, block;
  int64_t blocks() const { return (length + TRAINING_BLOCK - 1) / TRAINING_BLOCK; }
};

struct TrainingAttention {
  int64_t tokens, heads, kv_heads, width, padded;  // padded: the width in whole vectors
  int64_t blocks;                                  // of all rows
  int64_t window;                                  // 0: everything before
  float scale;
  const uint16_t *q, *k, *v;
  int64_t q_row, k_row, v_row;  // numbers from token to token
  uint16_t* out;                // [tokens, heads * width]
  float* logs;                  // [heads, tokens]
  // keys and values as pairs of bf16: two neighbours of a row (across) or of a column (down)
  uint32_t *keys_across, *keys_down, *values_across, *values_down;
  // backward: the slope of `out`; slopes of q, k and v; those of k and v by head
  const uint16_t* slope;
  uint16_t *by_query, *keys_slope, *values_slope;
  float *by_key, *by_value;
  int64_t place(const TrainingRow& row, int64_t block, int64_t kv_head) const {
    return kv_head * blocks + row.block + block;
  }
  int64_t block_pairs() const { return TRAINING_BLOCK / 2 * padded; }
};

struct TrainingAttentionKernels {
  void (*pack)(const TrainingAttention& a, const TrainingRow& row, int64_t block, int64_t kv_head);
  void (*forward)(const TrainingAttention& a, const TrainingRow& row, int64_t block, int64_t head);
  void (*backward)(const TrainingAttention& a, const TrainingRow& row, int64_t head);
  void (*gather)(const TrainingAttention& a, const TrainingRow& row, int64_t block, int64_t kv_head);
};

struct Kernels {
  const char* name;
  void (*quantise)(const float* x, int64_t stride, int64_t from, int64_t to, int64_t first_group, int64_t last_group,
                   const Codes& into);
  void (*quantised)(const Quantised& layer, const Codes& x, int64_t panel, float* y, int64_t stride, bool add);
  // Where tokens that are read have products of their own; else null. `halve` makes a row ready, and `read` multiplies all
  // with one or two panels: the inputs of the groups `from` to `to`, the bias with the first.
  void (*halve)(const float* x, int64_t stride, int64_t row, const Halved& into);
  void (*read)(const Quantised& layer, const Halved& x, int64_t panel, int panels, int64_t from, int64_t to, float* y,
               int64_t stride, bool add);
  void (*dequantise)(const Quantised& layer, int64_t row, float* into);
  void (*round4)(const Rounding& rounding, int64_t panel);
  void (*dense)(const Dense& layer, const float* x, int64_t x_stride, int64_t rows, int64_t from, int64_t to, float* y,
                int64_t y_stride, bool add);
  void (*rms_norm)(const float* x, const float* weight, float epsilon, int64_t width, float* y);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float epsilon, int64_t width, float* y);
  void (*activate)(int kind, float* x, int64_t n);
  void (*gate)(int kind, const float* gate, const float* up, float* y, int64_t n);
  int64_t (*likeliest)(const float* x, int64_t n);
  void (*down)(const Part& part, const float* x, int64_t stride, int64_t from, int64_t to);
  void (*up)(const Part& part, float* y, int64_t stride, int64_t from, int64_t to);
  void (*keep)(const Attention& a, const Segment& segment, int64_t token);
  void (*attend)(const Attention& a, const Segment& segment, int64_t kv_head, int64_t query, int64_t queries,
                 int64_t split, float* partial);
  Training training[2];  // fp32, bf16
  const TrainingAttentionKernels* training_attention;  // null without products of bf16
};

bool may_use_amx();  // asks for it
const Kernels* kernels_amx();
const Kernels* kernels_avx512bf16();
const Kernels* kernels_avx512();
const Kernels* kernels_avx2();
const Kernels* kernels_avxvnni();

}  // namespace astra
