// Activations to the form that the kernels read: quantised to codes where the weights are codes, columns padded.
#pragma once

#include <cstring>

#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

// The scale of a row's codes, that of the grid or max|x| / 127, and the latter's inverse; both 0 for a row of zeros (and so
// are its codes). Magnitudes compare as their bits do, which compilers turn into vectors.
MLP_INLINE float code_scale(const float* x, int64_t columns, const Grid& grid, float* inverse) {
  *inverse = 0;
  if (grid.scale > 0) return grid.scale;
  uint32_t most = 0;
  for (int64_t k = 0; k < columns; k++) {
    uint32_t bits;
    std::memcpy(&bits, x + k, sizeof bits);
    bits &= 0x7FFFFFFF;
    most = bits > most ? bits : most;
  }
  float largest;
  std::memcpy(&largest, &most, sizeof largest);
  *inverse = largest > 0 ? 127 / largest : 0;
  return largest / 127;
}

// Adding and taking off 1.5 * 2^23 rounds to nearest even, in any instruction set.
MLP_INLINE int32_t code_of(float x, float inverse) {
  constexpr float kRound = 12582912;
  float scaled = x * inverse;
  scaled = scaled > 127 ? 127 : scaled < -127 ? -127 : scaled;
  return static_cast<int32_t>(scaled + kRound - kRound);
}

// The code on a grid that all rows share, less its offset. Divided, as ONNX's QuantizeLinear does it.
MLP_INLINE int32_t grid_code_of(float x, const Grid& grid) {
  constexpr float kRound = 12582912;
  const auto lowest = static_cast<float>(grid.lowest), highest = static_cast<float>(grid.highest);
  float scaled = x / grid.scale;
  scaled = scaled > highest ? highest : scaled < lowest ? lowest : scaled;
  return static_cast<int32_t>(scaled + kRound - kRound) - grid.offset;
}

MLP_INLINE void grid_codes_at(const float* x, int64_t k, int64_t columns, const Grid& grid,
                              int32_t (&codes)[kColumnStep]) {
  if (k + kColumnStep <= columns)
    for (int64_t i = 0; i < kColumnStep; i++) codes[i] = grid_code_of(x[k + i], grid);
  else
    for (int64_t i = 0; i < kColumnStep; i++) codes[i] = k + i < columns ? grid_code_of(x[k + i], grid) : 0;
}

// Codes of the columns from k on, zeros behind the last column.
MLP_INLINE void codes_at(const float* x, int64_t k, int64_t columns, float inverse, const Grid& grid,
                         int32_t (&codes)[kColumnStep]) {
  if (grid.scale > 0) return grid_codes_at(x, k, columns, grid, codes);
  if (k + kColumnStep <= columns)
    for (int64_t i = 0; i < kColumnStep; i++) codes[i] = code_of(x[k + i], inverse);
  else
    for (int64_t i = 0; i < kColumnStep; i++) codes[i] = k + i < columns ? code_of(x[k + i], inverse) : 0;
}

// Codes of one row, `step` units of 4 codes apart: code k stands in byte k % 4 of unit k / 4.
MLP_INLINE void put_codes(const Activations& to, const float* x, int64_t row, uint8_t* out, int64_t step) {
  float inverse;
  to.scales[row] = code_scale(x, to.columns, to.grid, &inverse);
  int32_t* sums = to.sums + row * (to.padded_columns / kColumnStep);
  for (int64_t k = 0; k < to.padded_columns; k += kColumnStep) {
    int32_t codes[kColumnStep];
    codes_at(x, k, to.columns, inverse, to.grid, codes);
    if (to.plan.sums) {
      int32_t sum = 0;
      for (int64_t i = 0; i < kColumnStep; i++) sum += codes[i];
      sums[k / kColumnStep] = sum;
    }
    uint8_t bytes[kColumnStep];
    for (int64_t i = 0; i < kColumnStep; i++) bytes[i] = static_cast<uint8_t>(codes[i] + to.plan.zero_point);
    if (step == 1) std::memcpy(out + k, bytes, kColumnStep);
    else
      for (int64_t i = 0; i < kColumnStep; i += 4) std::memcpy(out + (k + i) * step, bytes + i, 4);
  }
}

MLP_INLINE void put_floats(const Activations& to, const float* x, int64_t row, uint8_t* data, int64_t step) {
  to.scales[row] = 1;
  auto* out = reinterpret_cast<float*>(data);
  for (int64_t k = 0; k < to.columns; k++) out[k * step] = x[k];
  for (int64_t k = to.columns; k < to.padded_columns; k++) out[k * step] = 0;
}

inline void prepare_units(const PrepareTask& task) {
  const Activations& to = task.to;
  const int64_t unit_bytes = to.plan.codes ? 1 : 4;  // a column
  for (int64_t first = task.begin; first < task.end; first += to.plan.rows) {
    const int64_t left = to.batch - first;
    const int64_t rows = left < to.plan.rows ? to.plan.last_rows : to.plan.rows;
    uint8_t* block = to.data + first * to.padded_columns * unit_bytes;
    for (int64_t r = 0; r < rows; r++) {
      // A row that the batch lacks has no columns.
      Activations of_row = to;
      if (r >= left) of_row.columns = 0;
      const float* x = r < left ? task.x + (first + r) * task.ldx : task.x;
      if (to.plan.codes) put_codes(of_row, x, first + r, block + 4 * r, rows);
      else put_floats(of_row, x, first + r, block + 4 * r, rows);
    }
  }
}

}  // namespace MLP_TARGET
}  // namespace mlp
