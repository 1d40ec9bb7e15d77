// The tile operations that the AMX kernels use, by the processor or, with MLP_EMULATE_TILES, in plain C++: so that the
// kernels can be tested on machines without AMX.
#pragma once

#include <cstdint>
#include <cstring>

#if !defined(MLP_EMULATE_TILES)
#include <immintrin.h>
#endif

namespace mlp {
namespace MLP_TARGET {

constexpr int kTileRows = 16;
constexpr int kTileBytes = 1024;

// 8 tiles of 16 rows x 64 bytes.
struct alignas(64) TileShape {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

#if defined(MLP_EMULATE_TILES)

inline thread_local uint8_t t_tiles[8][kTileBytes];

inline void zero_tile(int tile) { std::memset(t_tiles[tile], 0, kTileBytes); }
inline void load_tile(int tile, const void* p) { std::memcpy(t_tiles[tile], p, kTileBytes); }
inline void store_tile(int tile, void* p) { std::memcpy(p, t_tiles[tile], kTileBytes); }

inline float tile_bf16(const uint8_t* p) {
  const uint32_t bits = static_cast<uint32_t>(p[0] | p[1] << 8) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// C[m][n] += sum over k and j of A[m][k][j] * B[k][n][j].
inline void dot_tiles_int8(int to, int left, int right) {
  auto* c = reinterpret_cast<int32_t*>(t_tiles[to]);
  const auto* a = reinterpret_cast<const int8_t*>(t_tiles[left]);
  const auto* b = reinterpret_cast<const int8_t*>(t_tiles[right]);
  for (int m = 0; m < 16; m++)
    for (int n = 0; n < 16; n++)
      for (int k = 0; k < 16; k++)
        for (int j = 0; j < 4; j++) c[m * 16 + n] += a[m * 64 + k * 4 + j] * b[k * 64 + n * 4 + j];
}
inline void dot_tiles_bf16(int to, int left, int right) {
  auto* c = reinterpret_cast<float*>(t_tiles[to]);
  const uint8_t *a = t_tiles[left], *b = t_tiles[right];
  for (int m = 0; m < 16; m++)
    for (int n = 0; n < 16; n++)
      for (int k = 0; k < 16; k++)
        for (int j = 0; j < 4; j += 2)
          c[m * 16 + n] += tile_bf16(a + m * 64 + k * 4 + j) * tile_bf16(b + k * 64 + n * 4 + j);
}

#define MLP_TILE_ZERO(tile) zero_tile(tile)
#define MLP_TILE_LOAD(tile, p) load_tile(tile, p)
#define MLP_TILE_STORE(tile, p) store_tile(tile, p)
#define MLP_TILE_INT8(to, left, right) dot_tiles_int8(to, left, right)
#define MLP_TILE_BF16(to, left, right) dot_tiles_bf16(to, left, right)

// Holds the tiles of this thread.
struct TileScope {
  TileScope() {}
  ~TileScope() {}
};

#else

// Macros, because the compiler wants the numbers of tiles in the text.
#define MLP_TILE_ZERO(tile) _tile_zero(tile)
#define MLP_TILE_LOAD(tile, p) _tile_loadd(tile, p, 64)
#define MLP_TILE_STORE(tile, p) _tile_stored(tile, p, 64)
#define MLP_TILE_INT8(to, left, right) _tile_dpbssd(to, left, right)
#define MLP_TILE_BF16(to, left, right) _tile_dpbf16ps(to, left, right)

// Holds the tiles of this thread.
struct TileScope {
  TileScope() {
    const TileShape shape;
    _tile_loadconfig(&shape);
  }
  ~TileScope() { _tile_release(); }
};

#endif

}  // namespace MLP_TARGET
}  // namespace mlp
