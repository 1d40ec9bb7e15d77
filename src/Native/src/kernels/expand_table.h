// For each byte of mask: where its packed values go. Computed by the compiler; one copy for each target.
#pragma once

#include "t16.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlp {
namespace MLP_TARGET {

struct ExpandTable {
  alignas(64) int32_t floats[256][2][8];  // for each of 8 floats the place of its value, and all bits if there is one
  alignas(64) uint8_t words[256][16];   // byte shuffle for 8 values of 16 bits; 255 where none
  alignas(64) uint8_t bytes[256][8];    // the same for 8 values of 8 bits

  constexpr ExpandTable() : floats(), words(), bytes() {
    for (int mask = 0; mask < 256; mask++) {
      int place = 0;
      for (int i = 0; i < 8; i++) {
        const bool kept = mask >> i & 1;
        floats[mask][0][i] = kept ? place : 0;
        floats[mask][1][i] = kept ? -1 : 0;
        words[mask][2 * i] = static_cast<uint8_t>(kept ? 2 * place : 255);
        words[mask][2 * i + 1] = static_cast<uint8_t>(kept ? 2 * place + 1 : 255);
        bytes[mask][i] = static_cast<uint8_t>(kept ? place : 255);
        place += kept;
      }
    }
  }
};

static constexpr ExpandTable kExpand;

#if defined(__x86_64__)
// 8 values of 16 bits for a mask of 8 bits; moves on to the next packed value.
MLP_INLINE __m128i expand_words(const uint8_t** p, uint64_t mask) {
  const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(*p));
  *p += 2 * _mm_popcnt_u64(mask);
  return _mm_shuffle_epi8(values, _mm_load_si128(reinterpret_cast<const __m128i*>(kExpand.words[mask])));
}

// 16 values of 8 bits for a mask of 16 bits. The second half's shuffle counts from the values of the first.
MLP_INLINE __m128i expand_bytes(const uint8_t** p, uint64_t mask) {
  const uint64_t low = mask & 255, high = mask >> 8;
  const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(*p));
  const auto first = static_cast<char>(_mm_popcnt_u64(low));
  *p += _mm_popcnt_u64(mask);
  const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kExpand.bytes[low]));
  const __m128i b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kExpand.bytes[high]));
  // Saturating addition keeps absent places at 128 or more.
  const __m128i places = _mm_unpacklo_epi64(a, _mm_adds_epu8(b, _mm_set1_epi8(first)));
  return _mm_shuffle_epi8(values, places);
}
#endif

}  // namespace MLP_TARGET
}  // namespace mlp
