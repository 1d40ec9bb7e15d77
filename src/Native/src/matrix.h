// A blob that has been checked, and the pointers into it.
#pragma once

#include <cstdint>

#include "format.h"

struct mlp_matrix {
  mlp::Shape shape;
  int64_t kept;
  int64_t bytes;
  const uint32_t* offsets;
  const uint8_t* scales;
  const int32_t* sums;
  const uint8_t* index;
  const uint8_t* values;
};

namespace mlp {

// Fills `matrix`, or returns false with the reason as this thread's last error.
bool open_matrix(const void* blob, int64_t bytes, mlp_matrix* matrix);

// The groups of a part, so that each part reads about as many bytes.
void split_groups(const mlp_matrix& matrix, int part, int parts, int64_t* begin, int64_t* end);

}  // namespace mlp
