// Packs a matrix, 16 rows at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "format.h"

struct mlp_packer {
  mlp::Shape shape;
  int64_t rows_in = 0;
  int64_t kept = 0;
  std::vector<uint32_t> offsets;
  std::vector<uint8_t> scales;
  std::vector<int32_t> sums;
  std::vector<uint8_t> index;
  std::vector<uint8_t> values;
};

namespace mlp {

// Up to 16 rows, the next group. `scales` may be null; see mlp_packer_add.
void pack_group(mlp_packer& packer, const float* weights, int count, int64_t stride, const float* scales);

Layout packed_layout(const mlp_packer& packer);

void write_packed(const mlp_packer& packer, uint8_t* blob);

}  // namespace mlp
