// AVX2 and FMA. A vector is two registers; packed values are spread by shuffles that a table gives for each byte of mask.
#pragma once

#include <immintrin.h>

#include "expand_table.h"
#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

struct Isa {
  struct V { __m256i a, b; };
  struct F { __m256 a, b; };
  struct I { __m256i a, b; };

  static constexpr int kInt8ZeroPoint = 0;
  static constexpr int kInt4Bias = 0;
  static constexpr int kInt4OddShift = 0;
  static constexpr int kStreamRows = 4;
  static constexpr int kPanelRows = 6;
  static constexpr int kBlockRows = 6;
  static constexpr int kPanelGroups = 1;
  static constexpr int kSkipSplit = 1;

  static MLP_INLINE void transpose(const float* from, int64_t from_step, float* to, int64_t to_step) {
    transpose_plain(from, from_step, to, to_step);
  }
  static MLP_INLINE int32_t compress(const float* from, int32_t first, float* values, uint16_t* places) {
    return compress_plain(from, first, values, places);
  }

  static MLP_INLINE int64_t count(uint64_t mask) { return _mm_popcnt_u64(mask); }
  static MLP_INLINE __m256i half(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static MLP_INLINE V load(const uint8_t* p) { return {half(p), half(p + 32)}; }
  static MLP_INLINE void store(uint8_t* p, V w) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), w.a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), w.b);
  }

  static MLP_INLINE __m256i spread(const uint8_t* p, uint32_t mask) {
    const auto* entry = reinterpret_cast<const __m256i*>(kExpand.floats[mask]);
    return _mm256_and_si256(_mm256_permutevar8x32_epi32(half(p), _mm256_load_si256(entry)), _mm256_load_si256(entry + 1));
  }
  static MLP_INLINE V expand32(const uint8_t* p, uint32_t mask) {
    const uint32_t low = mask & 255;
    return {spread(p, low), spread(p + 4 * count(low), mask >> 8)};
  }
  static MLP_INLINE V expand16(const uint8_t* p, uint32_t mask) {
    __m128i parts[4];
    for (int i = 0; i < 4; i++) parts[i] = expand_words(&p, mask >> 8 * i & 255);
    return {_mm256_set_m128i(parts[1], parts[0]), _mm256_set_m128i(parts[3], parts[2])};
  }
  static MLP_INLINE V expand8(const uint8_t* p, uint64_t mask) {
    __m128i parts[4];
    for (int i = 0; i < 4; i++) parts[i] = expand_bytes(&p, mask >> 16 * i & 65535);
    return {_mm256_set_m128i(parts[1], parts[0]), _mm256_set_m128i(parts[3], parts[2])};
  }

  static MLP_INLINE __m256i nibbles(__m256i raw) {
    return _mm256_sub_epi8(_mm256_and_si256(raw, _mm256_set1_epi8(15)), _mm256_set1_epi8(8));
  }
  static MLP_INLINE V nibbles_even(const uint8_t* p) { return {nibbles(half(p)), nibbles(half(p + 32))}; }
  static MLP_INLINE V nibbles_odd(const uint8_t* p) {
    return {nibbles(_mm256_srli_epi16(half(p), 4)), nibbles(_mm256_srli_epi16(half(p + 32), 4))};
  }
  static MLP_INLINE V expand4_even(const uint8_t* p, uint64_t mask) {
    alignas(32) uint8_t codes[64];
    store(codes, nibbles_even(p));
    return expand8(codes, mask);
  }
  static MLP_INLINE V expand4_odd(const uint8_t* p, uint64_t mask) {
    alignas(32) uint8_t codes[64];
    store(codes, nibbles_odd(p));
    return expand8(codes, mask);
  }
  static MLP_INLINE V panel_odd(V w) { return w; }

  static MLP_INLINE __m256 number(const uint8_t* x) { return _mm256_broadcast_ss(reinterpret_cast<const float*>(x)); }
  static MLP_INLINE V widen_even(V w) { return {_mm256_slli_epi32(w.a, 16), _mm256_slli_epi32(w.b, 16)}; }
  static MLP_INLINE V widen_odd(V w) {
    const __m256i high = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
    return {_mm256_and_si256(w.a, high), _mm256_and_si256(w.b, high)};
  }
  static MLP_INLINE F fma_f32(F sum, V w, const uint8_t* x) {
    return {_mm256_fmadd_ps(_mm256_castsi256_ps(w.a), number(x), sum.a),
            _mm256_fmadd_ps(_mm256_castsi256_ps(w.b), number(x), sum.b)};
  }
  static MLP_INLINE F fma_even(F sum, V w, const uint8_t* x) { return fma_f32(sum, widen_even(w), x); }
  static MLP_INLINE F fma_odd(F sum, V w, const uint8_t* x) { return fma_f32(sum, widen_odd(w), x); }

  // |x| times w with x's sign: at most 2 * 128 * 127, which 16 bits hold.
  static MLP_INLINE __m256i dot_half(__m256i sum, __m256i w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static MLP_INLINE I dot_i8(I sum, V w, const uint8_t* p) {
    int32_t value;
    std::memcpy(&value, p, 4);
    const __m256i x = _mm256_set1_epi32(value);
    return {dot_half(sum.a, w.a, x), dot_half(sum.b, w.b, x)};
  }
  static MLP_INLINE I dot_i4(I sum, V w, const uint8_t* x) { return dot_i8(sum, w, x); }

  static MLP_INLINE float gather_dot(const float* values, const uint16_t* index, int64_t count, const float* x) {
    __m256 sums = _mm256_setzero_ps();
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
      const __m256i places = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(index + i)));
      sums = _mm256_fmadd_ps(_mm256_loadu_ps(values + i), _mm256_i32gather_ps(x, places, 4), sums);
    }
    float all[8], sum = 0;
    _mm256_storeu_ps(all, sums);
    for (float part : all) sum += part;
    for (; i < count; i++) sum += values[i] * x[index[i]];
    return sum;
  }

  static MLP_INLINE F zero_f() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static MLP_INLINE I zero_i() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static MLP_INLINE F set_f(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static MLP_INLINE I set_i(int32_t value) { return {_mm256_set1_epi32(value), _mm256_set1_epi32(value)}; }
  static MLP_INLINE F add_f(F a, F b) { return {_mm256_add_ps(a.a, b.a), _mm256_add_ps(a.b, b.b)}; }
  static MLP_INLINE I add_i(I a, I b) { return {_mm256_add_epi32(a.a, b.a), _mm256_add_epi32(a.b, b.b)}; }
  static MLP_INLINE I sub_i(I a, I b) { return {_mm256_sub_epi32(a.a, b.a), _mm256_sub_epi32(a.b, b.b)}; }
  static MLP_INLINE I mul_i(I a, I b) { return {_mm256_mullo_epi32(a.a, b.a), _mm256_mullo_epi32(a.b, b.b)}; }
  static MLP_INLINE F mul_f(F a, F b) { return {_mm256_mul_ps(a.a, b.a), _mm256_mul_ps(a.b, b.b)}; }
  static MLP_INLINE F fma_f(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b)};
  }
  static MLP_INLINE F to_f(I a) { return {_mm256_cvtepi32_ps(a.a), _mm256_cvtepi32_ps(a.b)}; }
  static MLP_INLINE F load_f(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static MLP_INLINE I load_i(const int32_t* p) {
    return {half(reinterpret_cast<const uint8_t*>(p)), half(reinterpret_cast<const uint8_t*>(p + 8))};
  }
  static MLP_INLINE __m256 bf16(const uint8_t* p) {
    const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16));
  }
  static MLP_INLINE F load_bf16(const uint8_t* p) { return {bf16(p), bf16(p + 16)}; }
  static MLP_INLINE void store_f(float* p, F a) {
    _mm256_storeu_ps(p, a.a);
    _mm256_storeu_ps(p + 8, a.b);
  }
  static MLP_INLINE void store_i(int32_t* p, I a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.b);
  }
};

}  // namespace MLP_TARGET
}  // namespace mlp
