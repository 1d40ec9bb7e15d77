// What the kernels must compute, in float64 and from the definition alone.
#pragma once

#include <cstdint>
#include <vector>

#include "mlpruning.h"

struct Matrix {
  int rows, columns;
  std::vector<float> weights;  // row-major
};

// Weights of a normal distribution; a share of them, or of the 16 x `block` blocks if block > 0, is zero.
Matrix random_matrix(int rows, int columns, double sparsity, int block, uint32_t seed);

std::vector<float> random_activations(int batch, int columns, uint32_t seed);

// The products as the type defines them (weights rounded or quantised, activations quantised for the integer types), and
// for each the sum of the magnitudes of its terms, which bounds the error of any order of float32 additions.
struct Products {
  std::vector<double> values, magnitudes;
};
Products products(const Matrix& matrix, int type, const std::vector<float>& x, int batch);

// The same of an int8 matrix whose activations are on a grid: code * scale, codes of lowest..highest.
Products products_on_grid(const Matrix& matrix, const std::vector<float>& x, int batch, float scale, int lowest,
                          int highest);

// Packs through the ABI.
std::vector<uint8_t> pack(const Matrix& matrix, int format, int type);
