#include "oracle.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>

Matrix random_matrix(int rows, int columns, double sparsity, int block, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.05f);
  std::uniform_real_distribution<double> uniform;
  Matrix matrix{rows, columns, std::vector<float>(static_cast<size_t>(rows) * columns)};
  for (auto& weight : matrix.weights) weight = normal(random);
  if (block == 0) {
    for (auto& weight : matrix.weights)
      if (uniform(random) < sparsity) weight = 0;
    return matrix;
  }
  for (int row = 0; row < rows; row += 16)
    for (int column = 0; column < columns; column += block) {
      if (uniform(random) >= sparsity) continue;
      for (int r = row; r < std::min(row + 16, rows); r++)
        for (int k = column; k < std::min(column + block, columns); k++)
          matrix.weights[static_cast<size_t>(r) * columns + k] = 0;
    }
  return matrix;
}

std::vector<float> random_activations(int batch, int columns, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(batch) * columns);
  for (auto& value : x) value = normal(random);
  return x;
}

static float to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
  std::memcpy(&value, &bits, 4);
  return value;
}

// Weights as stored, each as code * scale.
static std::vector<double> stored_weights(const Matrix& matrix, int type) {
  std::vector<double> stored(matrix.weights.size());
  const int width = type == MLP_INT4 ? 64 : matrix.columns, largest_code = type == MLP_INT4 ? 7 : 127;
  for (int row = 0; row < matrix.rows; row++)
    for (int begin = 0; begin < matrix.columns; begin += width) {
      const float* w = &matrix.weights[static_cast<size_t>(row) * matrix.columns];
      const int end = std::min(begin + width, matrix.columns);
      float largest = 0;
      for (int k = begin; k < end; k++) largest = std::max(largest, std::fabs(w[k]));
      float scale = largest / static_cast<float>(largest_code);
      if (type == MLP_INT4) scale = to_bf16(scale);
      for (int k = begin; k < end; k++) {
        double value = w[k];
        if (type == MLP_BF16) value = to_bf16(w[k]);
        if (type == MLP_INT8 || type == MLP_INT4) {
          const double code = largest == 0 ? 0 : std::nearbyint(w[k] / scale);
          value = std::max(-1.0 * largest_code, std::min(1.0 * largest_code, code)) * scale;
        }
        stored[static_cast<size_t>(row) * matrix.columns + k] = value;
      }
    }
  return stored;
}

static std::vector<double> seen_activations(const std::vector<float>& x, int columns, int type) {
  std::vector<double> seen(x.begin(), x.end());
  if (type != MLP_INT8 && type != MLP_INT4) return seen;
  for (size_t row = 0; row < x.size(); row += columns) {
    float largest = 0;
    for (int k = 0; k < columns; k++) largest = std::max(largest, std::fabs(x[row + k]));
    const float inverse = largest > 0 ? 127 / largest : 0, scale = largest / 127;
    for (int k = 0; k < columns; k++) seen[row + k] = std::nearbyint(x[row + k] * inverse) * static_cast<double>(scale);
  }
  return seen;
}

static Products multiply(const Matrix& matrix, const std::vector<double>& w, const std::vector<double>& seen, int batch) {
  Products result;
  for (int b = 0; b < batch; b++)
    for (int row = 0; row < matrix.rows; row++) {
      double sum = 0, magnitude = 0;
      for (int k = 0; k < matrix.columns; k++) {
        const double term = w[static_cast<size_t>(row) * matrix.columns + k] * seen[static_cast<size_t>(b) * matrix.columns + k];
        sum += term;
        magnitude += std::fabs(term);
      }
      result.values.push_back(sum);
      result.magnitudes.push_back(magnitude);
    }
  return result;
}

Products products(const Matrix& matrix, int type, const std::vector<float>& x, int batch) {
  return multiply(matrix, stored_weights(matrix, type), seen_activations(x, matrix.columns, type), batch);
}

Products products_on_grid(const Matrix& matrix, const std::vector<float>& x, int batch, float scale, int lowest,
                          int highest) {
  std::vector<double> seen;
  for (const float value : x) {
    const double code = std::nearbyint(value / scale);
    seen.push_back(std::max<double>(lowest, std::min<double>(highest, code)) * scale);
  }
  return multiply(matrix, stored_weights(matrix, MLP_INT8), seen, batch);
}

static void check(int32_t status) {
  if (status != MLP_OK) throw std::runtime_error(mlp_last_error());
}

std::vector<uint8_t> pack(const Matrix& matrix, int format, int type) {
  mlp_packer* packer;
  check(mlp_packer_create(format, type, matrix.rows, matrix.columns, &packer));
  // In two steps where there is more than one group, as a stream would.
  const int first = matrix.rows > 16 ? 16 : matrix.rows;
  check(mlp_packer_add(packer, matrix.weights.data(), first, matrix.columns, nullptr));
  if (first < matrix.rows)
    check(mlp_packer_add(packer, matrix.weights.data() + static_cast<size_t>(first) * matrix.columns,
                         matrix.rows - first, matrix.columns, nullptr));
  int64_t bytes;
  check(mlp_packer_size(packer, &bytes));
  std::vector<uint8_t> blob(bytes);
  check(mlp_packer_write(packer, blob.data(), bytes));
  mlp_packer_free(packer);
  return blob;
}
