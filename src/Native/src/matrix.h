// A blob that has been checked, and the pointers into it.
#pragma once

#include <cstdint>

#include "format.h"

namespace mlp {

// The grid that the activations of a matrix are on, if all rows share one: code * scale.
struct Grid {
  float scale;              // 0: each row has its own
  int32_t lowest, highest;  // codes
  int32_t offset;           // taken off every code, so that it fits in a signed byte
};

}  // namespace mlp

struct mlp_matrix {
  mlp::Shape shape;
  int64_t kept;
  int64_t bytes;
  const uint32_t* offsets;
  const uint8_t* scales;
  const int32_t* sums;
  const uint8_t* index;
  const uint8_t* values;
  mlp::Grid grid;
};

namespace mlp {

// Fills `matrix`, or returns false with the reason as this thread's last error.
bool open_matrix(const void* blob, int64_t bytes, mlp_matrix* matrix);

// The groups of a part, so that each part reads about as many bytes.
void split_groups(const mlp_matrix& matrix, int part, int parts, int64_t* begin, int64_t* end);

}  // namespace mlp
