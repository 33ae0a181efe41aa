// Vectors of fp32 for the instruction set this file is compiled for: 16 lanes with AVX-512, 8 with AVX2.
#pragma once

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ASTRA_ISA {

#if defined(ASTRA_AVX512)

constexpr int W = 16;
using vf = __m512;
using vi = __m512i;

inline vf zero() { return _mm512_setzero_ps(); }
inline vf set1(float x) { return _mm512_set1_ps(x); }
inline vf load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, vf x) { _mm512_storeu_ps(p, x); }
inline vf add(vf a, vf b) { return _mm512_add_ps(a, b); }
inline vf sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
inline vf mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
inline vf divide(vf a, vf b) { return _mm512_div_ps(a, b); }
inline vf fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
inline vf fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
inline vf maximum(vf a, vf b) { return _mm512_max_ps(a, b); }
inline vf minimum(vf a, vf b) { return _mm512_min_ps(a, b); }
inline vf where_less(vf a, vf b, vf yes, vf no) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
inline vf round_even(vf a) { return _mm512_roundscale_ps(a, 8); }
inline float sum(vf a) { return _mm512_reduce_add_ps(a); }
inline float largest(vf a) { return _mm512_reduce_max_ps(a); }
inline vf absolute(vf a) { return _mm512_abs_ps(a); }
inline vi bits(vf a) { return _mm512_castps_si512(a); }
inline vi int_maximum(vi a, vi b) { return _mm512_max_epi32(a, b); }
inline int int_largest(vi a) { return _mm512_reduce_max_epi32(a); }
inline vf load_part(const float* p, int n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
inline void store_part(float* p, vf x, int n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x); }
inline vf from_bf16(__m256i h) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16)); }
inline vf load(const uint16_t* p) { return from_bf16(_mm256_loadu_si256((const __m256i*)p)); }
inline vf load_part(const uint16_t* p, int n) {
  return from_bf16(_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p));
}
inline vf load_f16(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
inline vf load_u8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)));
}
inline vf load_i8(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)p)));
}
inline vf to_float(vi a) { return _mm512_cvtepi32_ps(a); }
inline vi int_set1(int x) { return _mm512_set1_epi32(x); }
inline vi load_bytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline vi low_nibbles(vi v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
inline vi high_nibbles(vi v) { return _mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15)); }
inline vi look_up(vi table, vi codes) { return _mm512_shuffle_epi8(table, codes); }
inline vi table_of(const uint8_t* p) { return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)p)); }
// acc + four products of unsigned codes and signed activations a lane, the same activations in each; by the intrinsic
// the compiler would load these apart
inline vi dot4(vi acc, vi codes, const int8_t* x) {
  typedef int32_t __attribute__((may_alias)) Four;
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(codes), "m"(*(const Four*)x));
  return acc;
}
inline void store_i8(int8_t* p, vf x) { _mm_storeu_si128((__m128i*)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x))); }
inline int int_sum(vf rounded) { return _mm512_reduce_add_epi32(_mm512_cvtps_epi32(rounded)); }
inline vf lower_bf16(vi pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }
inline vf upper_bf16(vi pairs) { return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000))); }
#if defined(ASTRA_BF16)
// acc + two products of bf16 numbers a lane
inline vf dot2(vf acc, vi a, vi b) { return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b); }
inline void store_bf16(uint16_t* p, vf first, vf second) {
  _mm512_storeu_si512(p, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}
#endif
inline vf pow2(vf n) {  // 2^n for whole n in -126..127
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
}

#else

constexpr int W = 8;
using vf = __m256;
using vi = __m256i;

inline vf zero() { return _mm256_setzero_ps(); }
inline vf set1(float x) { return _mm256_set1_ps(x); }
inline vf load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, vf x) { _mm256_storeu_ps(p, x); }
inline vf add(vf a, vf b) { return _mm256_add_ps(a, b); }
inline vf sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
inline vf mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
inline vf divide(vf a, vf b) { return _mm256_div_ps(a, b); }
inline vf fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
inline vf fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
inline vf maximum(vf a, vf b) { return _mm256_max_ps(a, b); }
inline vf minimum(vf a, vf b) { return _mm256_min_ps(a, b); }
inline vf where_less(vf a, vf b, vf yes, vf no) { return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
inline vf round_even(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline float sum(vf a) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
inline float largest(vf a) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
inline vf absolute(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
inline vi bits(vf a) { return _mm256_castps_si256(a); }
inline vi int_maximum(vi a, vi b) { return _mm256_max_epi32(a, b); }
inline int int_largest(vi a) {
  __m128i x = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}
inline __m256i first(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline vf load_part(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
inline void store_part(float* p, vf x, int n) { _mm256_maskstore_ps(p, first(n), x); }
inline vf from_bf16(__m128i h) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)); }
inline vf load(const uint16_t* p) { return from_bf16(_mm_loadu_si128((const __m128i*)p)); }
inline vf load_part(const uint16_t* p, int n) {
  uint16_t part[8] = {};
  std::memcpy(part, p, 2 * n);
  return load(part);
}
inline vf load_f16(const uint16_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
inline vf load_u8(const uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
}
inline vf load_i8(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p)));
}
inline vf to_float(vi a) { return _mm256_cvtepi32_ps(a); }
inline vi int_set1(int x) { return _mm256_set1_epi32(x); }
inline vi load_bytes(const uint8_t* p) { return _mm256_loadu_si256((const __m256i*)p); }
inline vi low_nibbles(vi v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
inline vi high_nibbles(vi v) { return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15)); }
inline vi look_up(vi table, vi codes) { return _mm256_shuffle_epi8(table, codes); }
inline vi table_of(const uint8_t* p) { return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)p)); }
inline vi broadcast4(const int8_t* p) {
  int32_t x;
  std::memcpy(&x, p, 4);
  return _mm256_set1_epi32(x);
}
#if defined(ASTRA_AVXVNNI)
inline vi dot4(vi acc, vi codes, vi x) { return _mm256_dpbusd_avx_epi32(acc, codes, x); }
#else
// The product of two bytes, added in pairs, must stay within 16 bits: codes up to 255 are split into their upper and
// lower four bits, 15 * 127 * 2 each.
inline vi dot4(vi acc, vi codes, vi x) {
  const vi ones = _mm256_set1_epi16(1);
  vi low = _mm256_maddubs_epi16(low_nibbles(codes), x);
  vi high = _mm256_maddubs_epi16(high_nibbles(codes), x);
  acc = _mm256_add_epi32(acc, _mm256_madd_epi16(low, ones));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(high, _mm256_set1_epi16(16)));
}
#endif
inline vi dot4(vi acc, vi codes, const int8_t* x) { return dot4(acc, codes, broadcast4(x)); }
inline void store_i8(int8_t* p, vf x) {
  __m256i i = _mm256_cvtps_epi32(x);
  __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
  _mm_storel_epi64((__m128i*)p, _mm_packs_epi16(h, h));
}
inline int int_sum(vf rounded) { return (int)std::lrint(sum(rounded)); }  // exact: whole numbers below 2^24
inline vf lower_bf16(vi pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }
inline vf upper_bf16(vi pairs) { return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000))); }
inline vf pow2(vf n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}

#endif

inline vf plus_part(vf x, const float* p, int n) { return add(x, n == W ? load(p) : load_part(p, n)); }

// e^x to about 2 ulp. Source: Cephes' `expf`.
inline vf exponential(vf x) {
  x = minimum(set1(88.0f), maximum(set1(-87.0f), x));  // in this order, what is no number stays none
  vf n = round_even(mul(x, set1(1.44269504088896341f)));
  x = fnma(n, set1(0.693359375f), x);
  x = fnma(n, set1(-2.12194440e-4f), x);
  vf y = set1(1.9875691500e-4f);
  y = fma(y, x, set1(1.3981999507e-3f));
  y = fma(y, x, set1(8.3334519073e-3f));
  y = fma(y, x, set1(4.1665795894e-2f));
  y = fma(y, x, set1(1.6666665459e-1f));
  y = fma(y, x, set1(5.0000001201e-1f));
  y = add(fma(mul(x, x), y, x), set1(1.0f));
  return mul(y, pow2(n));
}

inline float from_bits(int bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}
inline float load_one(const float* p) { return *p; }
inline float load_one(const uint16_t* p) { return from_bits((int)((uint32_t)*p << 16)); }
inline void store_one(float* p, float x) { *p = x; }
inline void store_one(uint16_t* p, float x) {  // to bf16, to the nearest, ties to even
  uint32_t whole;
  std::memcpy(&whole, &x, 4);
  *p = std::isnan(x) ? 0x7fc0 : (uint16_t)((whole + 0x7fff + ((whole >> 16) & 1)) >> 16);
}

}  // namespace ASTRA_ISA
