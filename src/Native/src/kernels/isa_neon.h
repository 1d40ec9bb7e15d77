// ARM's 128-bit vectors (every AArch64 machine). A vector of the format is four registers; packed values are spread by byte
// shuffles that a table gives for each byte, or half byte, of mask.
#pragma once

#include <arm_neon.h>

#include "expand_table.h"
#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

struct Isa {
  struct V { uint8x16_t q[4]; };
  struct F { float32x4_t q[4]; };
  struct I { int32x4_t q[4]; };

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

  template <class Out, class Work>
  static MLP_INLINE Out each(Work work) {
    Out out;
    for (int i = 0; i < 4; i++) out.q[i] = work(i);
    return out;
  }

  static MLP_INLINE int64_t count(uint64_t mask) { return __builtin_popcountll(mask); }
  static MLP_INLINE V load(const uint8_t* p) { return each<V>([&](int i) { return vld1q_u8(p + 16 * i); }); }
  static MLP_INLINE void store(uint8_t* p, V w) {
    for (int i = 0; i < 4; i++) vst1q_u8(p + 16 * i, w.q[i]);
  }

  // Places beyond 15 give zero. Four floats of a mask of 4 bits: the words of a mask of 8 bits, each bit twice.
  static MLP_INLINE V expand32(const uint8_t* p, uint64_t mask) {
    return each<V>([&](int i) {
      const uint64_t bits = mask >> 4 * i & 15;
      const uint64_t twice = (bits & 1) * 3 | (bits >> 1 & 1) * 12 | (bits >> 2 & 1) * 48 | (bits >> 3 & 1) * 192;
      const uint8x16_t values = vqtbl1q_u8(vld1q_u8(p), vld1q_u8(kExpand.words[twice]));
      p += 4 * count(bits);
      return values;
    });
  }
  static MLP_INLINE V expand16(const uint8_t* p, uint64_t mask) {
    return each<V>([&](int i) {
      const uint64_t bits = mask >> 8 * i & 255;
      const uint8x16_t values = vqtbl1q_u8(vld1q_u8(p), vld1q_u8(kExpand.words[bits]));
      p += 2 * count(bits);
      return values;
    });
  }
  static MLP_INLINE V expand8(const uint8_t* p, uint64_t mask) {
    return each<V>([&](int i) {
      const uint64_t low = mask >> 16 * i & 255, high = mask >> (16 * i + 8) & 255;
      // Saturating addition keeps absent places beyond 15.
      const uint8x8_t second = vqadd_u8(vld1_u8(kExpand.bytes[high]), vdup_n_u8(static_cast<uint8_t>(count(low))));
      const uint8x16_t values = vqtbl1q_u8(vld1q_u8(p), vcombine_u8(vld1_u8(kExpand.bytes[low]), second));
      p += count(low) + count(high);
      return values;
    });
  }

  static MLP_INLINE V nibbles_even(const uint8_t* p) {
    return each<V>([&](int i) { return vsubq_u8(vandq_u8(vld1q_u8(p + 16 * i), vdupq_n_u8(15)), vdupq_n_u8(8)); });
  }
  static MLP_INLINE V nibbles_odd(const uint8_t* p) {
    return each<V>([&](int i) { return vsubq_u8(vshrq_n_u8(vld1q_u8(p + 16 * i), 4), vdupq_n_u8(8)); });
  }
  static MLP_INLINE V expand4(V codes, uint64_t mask) {
    uint8_t all[64];
    store(all, codes);
    return expand8(all, mask);
  }
  static MLP_INLINE V expand4_even(const uint8_t* p, uint64_t mask) { return expand4(nibbles_even(p), mask); }
  static MLP_INLINE V expand4_odd(const uint8_t* p, uint64_t mask) { return expand4(nibbles_odd(p), mask); }
  static MLP_INLINE V panel_odd(V w) { return w; }

  static MLP_INLINE V widen_even(V w) {
    return each<V>([&](int i) { return vreinterpretq_u8_u32(vshlq_n_u32(vreinterpretq_u32_u8(w.q[i]), 16)); });
  }
  static MLP_INLINE V widen_odd(V w) {
    return each<V>([&](int i) {
      return vreinterpretq_u8_u32(vandq_u32(vreinterpretq_u32_u8(w.q[i]), vdupq_n_u32(0xFFFF0000)));
    });
  }
  static MLP_INLINE F fma_f32(F sum, V w, const uint8_t* x) {
    const float32x4_t value = vld1q_dup_f32(reinterpret_cast<const float*>(x));
    return each<F>([&](int i) { return vfmaq_f32(sum.q[i], vreinterpretq_f32_u8(w.q[i]), value); });
  }
  static MLP_INLINE F fma_even(F sum, V w, const uint8_t* x) { return fma_f32(sum, widen_even(w), x); }
  static MLP_INLINE F fma_odd(F sum, V w, const uint8_t* x) { return fma_f32(sum, widen_odd(w), x); }

  // Two products of codes fit in 16 bits: at most 2 * 128 * 127.
  static MLP_INLINE I dot_i8(I sum, V w, const uint8_t* x) {
    int32_t value;
    std::memcpy(&value, x, 4);
    const int8x16_t codes = vreinterpretq_s8_s32(vdupq_n_s32(value));
    return each<I>([&](int i) {
      const int8x16_t weights = vreinterpretq_s8_u8(w.q[i]);
      const int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(codes));
      const int16x8_t high = vmull_high_s8(weights, codes);
      return vpadalq_s16(sum.q[i], vpaddq_s16(low, high));
    });
  }
  static MLP_INLINE I dot_i4(I sum, V w, const uint8_t* x) { return dot_i8(sum, w, x); }

  static float gather_dot(const float* values, const uint16_t* index, int64_t count, const float* x) {
    float sums[4] = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
      for (int j = 0; j < 4; j++) sums[j] += values[i + j] * x[index[i + j]];
    for (; i < count; i++) sums[0] += values[i] * x[index[i]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  static MLP_INLINE F zero_f() { return set_f(0); }
  static MLP_INLINE I zero_i() { return set_i(0); }
  static MLP_INLINE F set_f(float value) { return each<F>([&](int) { return vdupq_n_f32(value); }); }
  static MLP_INLINE I set_i(int32_t value) { return each<I>([&](int) { return vdupq_n_s32(value); }); }
  static MLP_INLINE F add_f(F a, F b) { return each<F>([&](int i) { return vaddq_f32(a.q[i], b.q[i]); }); }
  static MLP_INLINE I add_i(I a, I b) { return each<I>([&](int i) { return vaddq_s32(a.q[i], b.q[i]); }); }
  static MLP_INLINE I sub_i(I a, I b) { return each<I>([&](int i) { return vsubq_s32(a.q[i], b.q[i]); }); }
  static MLP_INLINE I mul_i(I a, I b) { return each<I>([&](int i) { return vmulq_s32(a.q[i], b.q[i]); }); }
  static MLP_INLINE F mul_f(F a, F b) { return each<F>([&](int i) { return vmulq_f32(a.q[i], b.q[i]); }); }
  static MLP_INLINE F fma_f(F a, F b, F c) { return each<F>([&](int i) { return vfmaq_f32(c.q[i], a.q[i], b.q[i]); }); }
  static MLP_INLINE F to_f(I a) { return each<F>([&](int i) { return vcvtq_f32_s32(a.q[i]); }); }
  static MLP_INLINE F load_f(const float* p) { return each<F>([&](int i) { return vld1q_f32(p + 4 * i); }); }
  static MLP_INLINE I load_i(const int32_t* p) { return each<I>([&](int i) { return vld1q_s32(p + 4 * i); }); }
  static MLP_INLINE F load_bf16(const uint8_t* p) {
    return each<F>([&](int i) {
      const uint16x4_t halves = vreinterpret_u16_u8(vld1_u8(p + 8 * i));
      return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
    });
  }
  static MLP_INLINE void store_f(float* p, F a) {
    for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, a.q[i]);
  }
  static MLP_INLINE void store_i(int32_t* p, I a) {
    for (int i = 0; i < 4; i++) vst1q_s32(p + 4 * i, a.q[i]);
  }
};

}  // namespace MLP_TARGET
}  // namespace mlp
