// AVX-512. With VBMI2 and VNNI (Ice Lake, Zen 4 and later) bytes expand and dot products are single instructions; without
// them (Skylake-X, Cascade Lake) values of 8 and 16 bits go through a table of shuffles.
#pragma once

#include <immintrin.h>

#include "expand_table.h"
#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

struct Isa {
  using V = __m512i;
  using F = __m512;
  using I = __m512i;

#if defined(__AVX512VNNI__) && defined(__AVX512VBMI2__)
#define MLP_VNNI 1
  static constexpr int kInt8ZeroPoint = 128;  // vpdpbusd multiplies unsigned by signed bytes
  static constexpr int kInt4Bias = 8;         // int4 weights stay unsigned, code + 8
  static constexpr int kInt4OddShift = 4;     // and those of odd vectors in the high nibble, 16 times as large
#else
#define MLP_VNNI 0
  static constexpr int kInt8ZeroPoint = 0;
  static constexpr int kInt4Bias = 0;
  static constexpr int kInt4OddShift = 0;
#endif
  static constexpr int kStreamRows = 8;
  static constexpr int kPanelRows = 12;
  static constexpr int kBlockRows = 24;
  static constexpr int kPanelGroups = 2;
  static constexpr int kSkipSplit = 2;

  static MLP_INLINE void transpose(const float* from, int64_t from_step, float* to, int64_t to_step) {
    __m512 a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_ps(from + i * from_step);
    for (int i = 0; i < 16; i += 2) {
      b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
      b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
      for (int j = 0; j < 2; j++) {
        const __m512d low = _mm512_castps_pd(b[i + j]), high = _mm512_castps_pd(b[i + j + 2]);
        a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
        a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
      }
    // a[4 g + j], lane l: column 4 l + j of rows 4 g to 4 g + 3.
    for (int j = 0; j < 4; j++)
      for (int half = 0; half < 16; half += 8) {
        b[half + j] = _mm512_shuffle_f32x4(a[half + j], a[half + j + 4], 0x88);
        b[half + j + 4] = _mm512_shuffle_f32x4(a[half + j], a[half + j + 4], 0xDD);
      }
    for (int j = 0; j < 8; j++) {
      _mm512_storeu_ps(to + j * to_step, _mm512_shuffle_f32x4(b[j], b[j + 8], 0x88));
      _mm512_storeu_ps(to + (j + 8) * to_step, _mm512_shuffle_f32x4(b[j], b[j + 8], 0xDD));
    }
  }
  static MLP_INLINE int32_t compress(const float* from, int32_t first, float* values, uint16_t* places) {
    const __m512 all = _mm512_loadu_ps(from);
    const __mmask16 kept = _mm512_cmp_ps_mask(all, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i at = _mm512_add_epi32(steps, _mm512_set1_epi32(first));
    _mm512_storeu_ps(values, _mm512_maskz_compress_ps(kept, all));
    const __m512i packed = _mm512_maskz_compress_epi32(kept, at);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(places), _mm512_cvtepi32_epi16(packed));
    return static_cast<int32_t>(_mm_popcnt_u32(kept));
  }

  static MLP_INLINE int64_t count(uint64_t mask) { return _mm_popcnt_u64(mask); }
  static MLP_INLINE V load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static MLP_INLINE void store(uint8_t* p, V w) { _mm512_storeu_si512(p, w); }
  static MLP_INLINE V expand32(const uint8_t* p, uint16_t mask) { return _mm512_maskz_expand_epi32(mask, load(p)); }

#if MLP_VNNI
  static MLP_INLINE V expand16(const uint8_t* p, uint32_t mask) { return _mm512_maskz_expand_epi16(mask, load(p)); }
  static MLP_INLINE V expand8(const uint8_t* p, uint64_t mask) { return _mm512_maskz_expand_epi8(mask, load(p)); }
  static MLP_INLINE V nibbles_even(const uint8_t* p) { return _mm512_and_si512(load(p), _mm512_set1_epi8(15)); }
  static MLP_INLINE V nibbles_odd(const uint8_t* p) {
    return _mm512_and_si512(load(p), _mm512_set1_epi8(static_cast<char>(0xF0)));
  }
  static MLP_INLINE V expand4_even(const uint8_t* p, uint64_t mask) {
    return _mm512_mask_expand_epi8(_mm512_set1_epi8(8), mask, nibbles_even(p));
  }
  static MLP_INLINE V expand4_odd(const uint8_t* p, uint64_t mask) {
    return _mm512_mask_expand_epi8(_mm512_set1_epi8(static_cast<char>(128)), mask, nibbles_odd(p));
  }
  static MLP_INLINE V panel_odd(V w) { return _mm512_srli_epi16(w, 4); }  // the low nibbles are zero
  static MLP_INLINE V sub_bytes(V a, V b) { return _mm512_sub_epi8(a, b); }
  static MLP_INLINE V int4_biases() { return _mm512_set1_epi8(kInt4Bias); }
  // In assembly: GCC 12 copies and spills the sums around the intrinsic.
  static MLP_INLINE I dot(I sum, V unsigned_bytes, V signed_bytes) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
    return sum;
  }
  static MLP_INLINE I dot_i8(I sum, V w, const uint8_t* x) { return dot(sum, bytes(x), w); }
  static MLP_INLINE I dot_i4(I sum, V w, const uint8_t* x) { return dot(sum, w, bytes(x)); }
#else
  static MLP_INLINE V join(const __m128i (&parts)[4]) {
    V w = _mm512_castsi128_si512(parts[0]);
    w = _mm512_inserti64x2(w, parts[1], 1);
    w = _mm512_inserti64x2(w, parts[2], 2);
    return _mm512_inserti64x2(w, parts[3], 3);
  }
  static MLP_INLINE V expand16(const uint8_t* p, uint32_t mask) {
    __m128i parts[4];
    for (int i = 0; i < 4; i++) parts[i] = expand_words(&p, mask >> 8 * i & 255);
    return join(parts);
  }
  static MLP_INLINE V expand8(const uint8_t* p, uint64_t mask) {
    __m128i parts[4];
    for (int i = 0; i < 4; i++) parts[i] = expand_bytes(&p, mask >> 16 * i & 65535);
    return join(parts);
  }
  static MLP_INLINE V nibbles(V raw) {
    return _mm512_sub_epi8(_mm512_and_si512(raw, _mm512_set1_epi8(15)), _mm512_set1_epi8(8));
  }
  static MLP_INLINE V nibbles_even(const uint8_t* p) { return nibbles(load(p)); }
  static MLP_INLINE V nibbles_odd(const uint8_t* p) { return nibbles(_mm512_srli_epi16(load(p), 4)); }
  static MLP_INLINE V expand4_even(const uint8_t* p, uint64_t mask) {
    alignas(64) uint8_t codes[64];
    store(codes, nibbles_even(p));
    return expand8(codes, mask);
  }
  static MLP_INLINE V expand4_odd(const uint8_t* p, uint64_t mask) {
    alignas(64) uint8_t codes[64];
    store(codes, nibbles_odd(p));
    return expand8(codes, mask);
  }
  static MLP_INLINE V panel_odd(V w) { return w; }
  // |x| times w with x's sign: at most 2 * 128 * 127, which 16 bits hold.
  static MLP_INLINE I dot_i8(I sum, V w, const uint8_t* x) {
    const __m512i signed_w = _mm512_mask_sub_epi8(w, _mm512_movepi8_mask(bytes(x)), _mm512_setzero_si512(), w);
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(bytes(x)), signed_w);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
  static MLP_INLINE I dot_i4(I sum, V w, const uint8_t* x) { return dot_i8(sum, w, x); }
#endif

  static MLP_INLINE V bytes(const uint8_t* x) {
    int32_t value;
    std::memcpy(&value, x, 4);
    return _mm512_set1_epi32(value);
  }
  static MLP_INLINE F number(const uint8_t* x) { return _mm512_set1_ps(*reinterpret_cast<const float*>(x)); }
  static MLP_INLINE V widen_even(V w) { return _mm512_slli_epi32(w, 16); }
  static MLP_INLINE V widen_odd(V w) { return _mm512_and_si512(w, _mm512_set1_epi32(static_cast<int>(0xFFFF0000))); }
  static MLP_INLINE F fma_f32(F sum, V w, const uint8_t* x) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(w), number(x), sum);
  }
  static MLP_INLINE F fma_even(F sum, V w, const uint8_t* x) { return fma_f32(sum, widen_even(w), x); }
  static MLP_INLINE F fma_odd(F sum, V w, const uint8_t* x) { return fma_f32(sum, widen_odd(w), x); }

  static MLP_INLINE float gather_dot(const float* values, const uint16_t* index, int64_t count, const float* x) {
    F sums[2] = {zero_f(), zero_f()};
    for (int64_t i = 0; i < count; i += 32) {
      prefetch(values + i);
      prefetch(values + i + 16);
      prefetch(index + i);
      for (int j = 0; j < 2; j++) {
        const int64_t at = i + 16 * j, left = count - at;
        if (left <= 0) break;
        const __mmask16 mask = left >= 16 ? 0xFFFF : static_cast<__mmask16>((1 << left) - 1);
        const __m512i places = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, index + at));
        const F gathered = _mm512_mask_i32gather_ps(zero_f(), mask, places, x, 4);
        sums[j] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, values + at), gathered, sums[j]);
      }
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
  }

  static MLP_INLINE F zero_f() { return _mm512_setzero_ps(); }
  static MLP_INLINE I zero_i() { return _mm512_setzero_si512(); }
  static MLP_INLINE F set_f(float value) { return _mm512_set1_ps(value); }
  static MLP_INLINE I set_i(int32_t value) { return _mm512_set1_epi32(value); }
  static MLP_INLINE F add_f(F a, F b) { return _mm512_add_ps(a, b); }
  static MLP_INLINE I add_i(I a, I b) { return _mm512_add_epi32(a, b); }
  static MLP_INLINE I sub_i(I a, I b) { return _mm512_sub_epi32(a, b); }
  static MLP_INLINE I mul_i(I a, I b) { return _mm512_mullo_epi32(a, b); }
  template <int kBits>
  static MLP_INLINE I shift_right(I a) { return _mm512_srai_epi32(a, kBits); }
  static MLP_INLINE F mul_f(F a, F b) { return _mm512_mul_ps(a, b); }
  static MLP_INLINE F fma_f(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static MLP_INLINE F to_f(I a) { return _mm512_cvtepi32_ps(a); }
  static MLP_INLINE F load_f(const float* p) { return _mm512_loadu_ps(p); }
  static MLP_INLINE I load_i(const int32_t* p) { return _mm512_loadu_si512(p); }
  static MLP_INLINE F load_bf16(const uint8_t* p) {
    const __m256i raw = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(raw), 16));
  }
  static MLP_INLINE void store_f(float* p, F a) { _mm512_storeu_ps(p, a); }
  static MLP_INLINE void store_i(int32_t* p, I a) { _mm512_storeu_si512(p, a); }
};

}  // namespace MLP_TARGET
}  // namespace mlp
