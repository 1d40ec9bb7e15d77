// Plain C++: what every machine runs, and what the others are compared with.
#pragma once

#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

struct Isa {
  struct V { uint8_t b[64]; };
  struct F { float v[16]; };
  struct I { int32_t v[16]; };

  static constexpr int kInt8ZeroPoint = 0;
  static constexpr int kInt4Bias = 0;
  static constexpr int kInt4OddShift = 0;
  static constexpr int kStreamRows = 4;
  static constexpr int kPanelRows = 4;
  static constexpr int kBlockRows = 4;
  static constexpr int kPanelGroups = 1;
  static constexpr int kSkipSplit = 1;

  static MLP_INLINE void transpose(const float* from, int64_t from_step, float* to, int64_t to_step) {
    transpose_plain(from, from_step, to, to_step);
  }
  static MLP_INLINE int32_t compress(const float* from, int32_t first, float* values, uint16_t* places) {
    return compress_plain(from, first, values, places);
  }

  static MLP_INLINE int64_t count(uint64_t mask) { return __builtin_popcountll(mask); }

  static V load(const uint8_t* p) {
    V w;
    std::memcpy(w.b, p, 64);
    return w;
  }
  static void store(uint8_t* p, const V& w) { std::memcpy(p, w.b, 64); }

  template <int kBytes>
  static V expand(const uint8_t* p, uint64_t mask) {
    V w{};
    for (int i = 0; i < 64 / kBytes; i++)
      if (mask >> i & 1) {
        std::memcpy(w.b + i * kBytes, p, kBytes);
        p += kBytes;
      }
    return w;
  }
  static V expand32(const uint8_t* p, uint64_t mask) { return expand<4>(p, mask); }
  static V expand16(const uint8_t* p, uint64_t mask) { return expand<2>(p, mask); }
  static V expand8(const uint8_t* p, uint64_t mask) { return expand<1>(p, mask); }

  // Nibbles hold code + 8.
  template <int kShift>
  static V expand4(const uint8_t* p, uint64_t mask) {
    V w{};
    for (int i = 0; i < 64; i++)
      if (mask >> i & 1) w.b[i] = static_cast<uint8_t>((*p++ >> kShift & 15) - 8);
    return w;
  }
  static V expand4_even(const uint8_t* p, uint64_t mask) { return expand4<0>(p, mask); }
  static V expand4_odd(const uint8_t* p, uint64_t mask) { return expand4<4>(p, mask); }
  static V nibbles_even(const uint8_t* p) { return expand4<0>(p, ~uint64_t{0}); }
  static V nibbles_odd(const uint8_t* p) { return expand4<4>(p, ~uint64_t{0}); }
  static V panel_odd(const V& w) { return w; }

  static float number(const uint8_t* p) {
    float value;
    std::memcpy(&value, p, 4);
    return value;
  }
  static float bf16(const uint8_t* p) {
    const uint32_t bits = static_cast<uint32_t>(p[0] | p[1] << 8) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  static V widen(const V& w, int odd) {
    V wide;
    for (int i = 0; i < 16; i++) {
      const float value = bf16(w.b + 4 * i + 2 * odd);
      std::memcpy(wide.b + 4 * i, &value, 4);
    }
    return wide;
  }
  static V widen_even(const V& w) { return widen(w, 0); }
  static V widen_odd(const V& w) { return widen(w, 1); }

  static F fma_f32(F sum, const V& w, const uint8_t* x) {
    const float value = number(x);
    for (int i = 0; i < 16; i++) sum.v[i] += number(w.b + 4 * i) * value;
    return sum;
  }
  static F fma_even(const F& sum, const V& w, const uint8_t* x) { return fma_f32(sum, widen(w, 0), x); }
  static F fma_odd(const F& sum, const V& w, const uint8_t* x) { return fma_f32(sum, widen(w, 1), x); }
  static I dot_i8(I sum, const V& w, const uint8_t* x) {
    for (int i = 0; i < 16; i++)
      for (int j = 0; j < 4; j++) sum.v[i] += static_cast<int8_t>(w.b[4 * i + j]) * static_cast<int8_t>(x[j]);
    return sum;
  }
  static I dot_i4(const I& sum, const V& w, const uint8_t* x) { return dot_i8(sum, w, x); }

  static float gather_dot(const float* values, const uint16_t* index, int64_t count, const float* x) {
    float sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i] * x[index[i]];
    return sum;
  }

  template <class Out, class Work>
  static Out each(Work work) {
    Out out;
    for (int i = 0; i < 16; i++) out.v[i] = work(i);
    return out;
  }
  static F zero_f() { return F{}; }
  static I zero_i() { return I{}; }
  static F set_f(float value) { return each<F>([&](int) { return value; }); }
  static I set_i(int32_t value) { return each<I>([&](int) { return value; }); }
  static F add_f(const F& a, const F& b) { return each<F>([&](int i) { return a.v[i] + b.v[i]; }); }
  static I add_i(const I& a, const I& b) { return each<I>([&](int i) { return a.v[i] + b.v[i]; }); }
  static I sub_i(const I& a, const I& b) { return each<I>([&](int i) { return a.v[i] - b.v[i]; }); }
  static I mul_i(const I& a, const I& b) { return each<I>([&](int i) { return a.v[i] * b.v[i]; }); }
  static F mul_f(const F& a, const F& b) { return each<F>([&](int i) { return a.v[i] * b.v[i]; }); }
  static F fma_f(const F& a, const F& b, const F& c) {
    return each<F>([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  static F to_f(const I& a) { return each<F>([&](int i) { return static_cast<float>(a.v[i]); }); }
  static F load_f(const float* p) { return each<F>([&](int i) { return p[i]; }); }
  static I load_i(const int32_t* p) { return each<I>([&](int i) { return p[i]; }); }
  static F load_bf16(const uint8_t* p) { return each<F>([&](int i) { return bf16(p + 2 * i); }); }
  static void store_f(float* p, const F& a) { std::memcpy(p, a.v, 64); }
  static void store_i(int32_t* p, const I& a) { std::memcpy(p, a.v, 64); }
};

}  // namespace MLP_TARGET
}  // namespace mlp
