// The Python face of the kernels. Addresses come as whole numbers: a tensor's own cost more to pass than a small
// product takes. The Python side (`kernels.py`) checks types and shapes, once, where layers are made.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "bindings.h"
#include "programme.h"

namespace nb = nanobind;
using namespace astra;

namespace astra {
const Kernels* active = nullptr;
}

namespace {

// Four registers that tell of the processor (CPUID).
struct Told {
  unsigned a, b, c, d;
  Told(unsigned leaf, unsigned subleaf) : a(leaf), b(0), c(subleaf), d(0) {
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  }
};

std::vector<const Kernels*> found() {
  std::vector<const Kernels*> all;
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vnni")) {
#if defined(ASTRA_WITH_AVX512BF16)
    if (__builtin_cpu_supports("avx512bf16")) {
#if defined(ASTRA_WITH_AMX)
      const unsigned needed = 1u << 22 | 3u << 24;  // products of bf16, registers, products of bytes
      if ((Told(7, 0).d & needed) == needed && may_use_amx()) all.push_back(kernels_amx());
#endif
      all.push_back(kernels_avx512bf16());
    }
#endif
    all.push_back(kernels_avx512());
  }
#if defined(ASTRA_WITH_AVXVNNI)
  if (avx2 && (Told(7, 1).a & (1u << 4))) all.push_back(kernels_avxvnni());
#endif
  if (avx2) all.push_back(kernels_avx2());
  return all;
}

// Best first.
const std::vector<const Kernels*>& of_this_processor() {
  static const std::vector<const Kernels*> all = found();
  return all;
}

std::vector<std::string> supported() {
  std::vector<std::string> names;
  for (const Kernels* each : of_this_processor()) names.push_back(each->name);
  return names;
}

void use(const std::string& name) {
  for (const Kernels* each : of_this_processor())
    if (name == each->name) {
      active = each;
      return;
    }
  throw std::invalid_argument("this processor has no " + name);
}

// Rows of a norm that one thread takes at once: waiting for another takes as long as a few thousand numbers.
int64_t rows_at_once(int64_t width) { return std::max<int64_t>(1, STRETCH / width); }

void rms_norm(Address x, Address weight, float epsilon, int64_t rows, int64_t width, Address y) {
  perform([=](Programme& programme) {
    programme.add_rows(rows, rows_at_once(width), [=](int64_t i) {
      active->rms_norm(at<float>(x) + i * width, at<float>(weight), epsilon, width, at<float>(y) + i * width);
    });
  });
}

void layer_norm(Address x, Address weight, Address bias, float epsilon, int64_t rows, int64_t width, Address y) {
  perform([=](Programme& programme) {
    programme.add_rows(rows, rows_at_once(width), [=](int64_t i) {
      active->layer_norm(at<float>(x) + i * width, at<float>(weight), at<float>(bias), epsilon, width,
                         at<float>(y) + i * width);
    });
  });
}

void activate(int kind, Address x, int64_t n) {
  perform([=](Programme& programme) {
    programme.add((n + STRETCH - 1) / STRETCH, [=](int64_t i) {
      active->activate(kind, at<float>(x) + i * STRETCH, std::min(STRETCH, n - i * STRETCH));
    });
  });
}

// x [rows, 2 * width], gates first → y [rows, width]
void gate(int kind, Address x, int64_t rows, int64_t width, Address y) {
  const auto part = [=](int64_t row, int64_t from, int64_t count) {
    const float* gates = at<float>(x) + row * 2 * width + from;
    active->gate(kind, gates, gates + width, at<float>(y) + row * width + from, count);
  };
  const int64_t stretches = (width + STRETCH - 1) / STRETCH;
  perform([=](Programme& programme) {
    if (stretches == 1) programme.add_rows(rows, rows_at_once(width), [=](int64_t row) { part(row, 0, width); });
    else programme.add(rows * stretches, [=](int64_t i) {
        const int64_t from = i % stretches * STRETCH;
        part(i / stretches, from, std::min(STRETCH, width - from));
      });
  });
}

std::vector<int64_t> likeliest(Address logits, int64_t rows, int64_t width) {
  std::vector<int64_t> found(rows);
  perform([=, &found](Programme& programme) {
    programme.add(rows, [=, &found](int64_t i) { found[i] = active->likeliest(at<float>(logits) + i * width, width); });
  });
  return found;
}

}  // namespace

NB_MODULE(_kernels, m) {
  nb::set_leak_warnings(false);  // what a program still holds at its end is no leak
  m.doc() = "The compiled kernels; `native/__init__.py` chooses among them.";
  m.def("supported", &supported);
  m.def("use", &use);
  m.def("active", [] { return active ? std::string(active->name) : std::string(); });
  m.def("reads_apart", [] { return active && active->read; });
  m.def("set_threads", [](int count) { thread_count() = std::max(1, count); });
  m.def("rms_norm", &rms_norm);
  m.def("layer_norm", &layer_norm);
  m.def("activate", &activate);
  m.def("gate", &gate);
  m.def("likeliest", &likeliest);
  define_linears(m);
  define_attention(m);
  define_programme(m);
  define_training(m);
}
