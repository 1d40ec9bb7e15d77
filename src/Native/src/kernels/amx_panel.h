// Large batches on AMX tiles, int8 and bf16: two groups of 16 rows are unpacked into the cache, 16 vectors a tile, and
// multiplied with blocks of 32 rows of activations, four tiles of sums at a time.
#pragma once

#include "activations.h"
#include "amx_tiles.h"
#include "panel.h"

namespace mlp {
namespace MLP_TARGET {

MLP_INLINE uint16_t round_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t rounded = value != value ? bits >> 16 | 0x40 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return static_cast<uint16_t>(rounded);
}

// Activations as tiles: [block of 16 rows][tile of 64 bytes of columns][16 rows][64 bytes], codes or bf16.
inline void prepare_tiles(const PrepareTask& task) {
  const Activations& to = task.to;
  const int64_t column_bytes = to.plan.codes ? 1 : 2, row_bytes = to.padded_columns * column_bytes;
  for (int64_t first = task.begin; first < task.end; first += kTileRows) {
    uint8_t* block = to.data + first * row_bytes;
    for (int64_t r = 0; r < kTileRows; r++) {
      const bool present = first + r < to.batch;
      const float* x = present ? task.x + (first + r) * task.ldx : task.x;
      const int64_t columns = present ? to.columns : 0;
      float inverse = 0;
      to.scales[first + r] = to.plan.codes ? code_scale(x, columns, to.grid, &inverse) : 1;
      for (int64_t k = 0; k < to.padded_columns; k += 64 / column_bytes) {
        uint8_t* out = block + k * column_bytes / 64 * kTileBytes + r * 64;
        if (to.plan.codes) {
          int32_t codes[kColumnStep];
          codes_at(x, k, columns, inverse, to.grid, codes);
          for (int64_t i = 0; i < kColumnStep; i++) out[i] = static_cast<uint8_t>(codes[i]);
        } else {
          constexpr int64_t kHalves = 32;
          uint16_t halves[kHalves];
          if (k + kHalves <= columns)
            for (int64_t i = 0; i < kHalves; i++) halves[i] = round_bf16(x[k + i]);
          else
            for (int64_t i = 0; i < kHalves; i++) halves[i] = k + i < columns ? round_bf16(x[k + i]) : 0;
          std::memcpy(out, halves, sizeof halves);
        }
      }
    }
  }
}

#define MLP_TILE_DOT(to, left, right)                                   \
  do {                                                                  \
    if constexpr (T == MLP_INT8) MLP_TILE_INT8(to, left, right);        \
    else MLP_TILE_BF16(to, left, right);                                \
  } while (false)

// Tiles of both groups' panels times two blocks of activations (or one), added to sums [4][1024 bytes].
template <int T, bool kTwo>
MLP_INLINE void multiply_tiles(const uint8_t* panel, int64_t panel_bytes, const uint8_t* x, int64_t x_stride,
                               int64_t tiles, bool first, uint8_t* sums) {
  if (first) {
    MLP_TILE_ZERO(0);
    MLP_TILE_ZERO(1);
    MLP_TILE_ZERO(2);
    MLP_TILE_ZERO(3);
  } else {
    MLP_TILE_LOAD(0, sums);
    MLP_TILE_LOAD(1, sums + kTileBytes);
    if constexpr (kTwo) {
      MLP_TILE_LOAD(2, sums + 2 * kTileBytes);
      MLP_TILE_LOAD(3, sums + 3 * kTileBytes);
    }
  }
  for (int64_t t = 0; t < tiles; t++, x += kTileBytes, panel += kTileBytes) {
    MLP_TILE_LOAD(6, panel);
    MLP_TILE_LOAD(7, panel + panel_bytes);
    MLP_TILE_LOAD(4, x);
    MLP_TILE_DOT(0, 4, 6);
    MLP_TILE_DOT(1, 4, 7);
    if constexpr (kTwo) {
      MLP_TILE_LOAD(5, x + x_stride);
      MLP_TILE_DOT(2, 5, 6);
      MLP_TILE_DOT(3, 5, 7);
    }
  }
  MLP_TILE_STORE(0, sums);
  MLP_TILE_STORE(1, sums + kTileBytes);
  if constexpr (kTwo) {
    MLP_TILE_STORE(2, sums + 2 * kTileBytes);
    MLP_TILE_STORE(3, sums + 3 * kTileBytes);
  }
}

// The vectors as they are stored; bf16 stays bf16.
template <class A, class Source>
MLP_INLINE void unpack_raw(Source& source, int64_t vectors, uint8_t* out) {
  for (int64_t v = 0; v < vectors; v += 2, out += 128) {
    source.ahead();
    A::store(out, source.template next<false>());
    A::store(out + 64, source.template next<true>());
  }
}

// Sums lie as [block of 16 rows][group][16 rows][16].
template <class A, int T>
void finish_tiles(const RunTask& task, int64_t group, int groups, const uint8_t* sums) {
  const mlp_matrix& m = *task.matrix;
  for (int64_t row = 0; row < task.x.batch; row++)
    for (int g = 0; g < groups; g++) {
      const uint8_t* sum = sums + (row / kTileRows * 2 + g) * kTileBytes + row % kTileRows * 64;
      const int64_t first = (group + g) * kGroupRows;
      typename A::F y;
      if constexpr (T == MLP_INT8) {
        const auto scales = A::load_f(reinterpret_cast<const float*>(m.scales) + first);
        const auto all = A::mul_f(scales, A::set_f(task.x.scales[row]));
        const auto codes = without_offset<A, 0>(m, group + g, A::load_i(reinterpret_cast<const int32_t*>(sum)));
        y = A::mul_f(A::to_f(codes), all);
      } else {
        y = A::load_f(reinterpret_cast<const float*>(sum));
      }
      store_rows<A>(task.y + row * task.ldy + first, y, m.shape.rows - first);
    }
}

template <class A, int F, int T>
void run_tiles(const RunTask& task) {
  if (!task.x.plan.tiles) return vnni_kernels().run[F][T](task);
  using Source = typename SourceOf<A, T, F>::Type;
  constexpr int64_t kPanelBytes = 16 * 1024, kMost = kPanelBytes / 64;
  const TileScope scope;
  const mlp_matrix& m = *task.matrix;
  const int64_t all = m.shape.vectors(), blocks = (task.x.batch + kTileRows - 1) / kTileRows;
  const int64_t block_bytes = task.x.padded_columns * (T == MLP_INT8 ? 1 : 2) * kTileRows;
  uint8_t* panel = task.scratch;
  uint8_t* sums = task.scratch + 2 * kPanelBytes;
  for (int64_t group = task.begin; group < task.end; group += 2) {
    const int groups = group + 1 < task.end ? 2 : 1;
    Source sources[2];
    for (int g = 0; g < groups; g++) sources[g].open(m, group + g);
    for (int64_t v = 0; v < all; v += kMost) {
      const int64_t vectors = all - v < kMost ? all - v : kMost;
      for (int g = 0; g < groups; g++) unpack_raw<A>(sources[g], vectors, panel + g * kPanelBytes);
      for (int64_t block = 0; block < blocks; block += 2) {
        const uint8_t* x = task.x.data + block * block_bytes + v / 16 * kTileBytes;
        uint8_t* sum = sums + block * 2 * kTileBytes;
        if (block + 1 < blocks) multiply_tiles<T, true>(panel, kPanelBytes, x, block_bytes, vectors / 16, v == 0, sum);
        else multiply_tiles<T, false>(panel, kPanelBytes, x, block_bytes, vectors / 16, v == 0, sum);
      }
    }
    finish_tiles<A, T>(task, group, groups, sums);
  }
}

}  // namespace MLP_TARGET
}  // namespace mlp
