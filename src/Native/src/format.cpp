#include "format.h"

#include <algorithm>
#include <cstring>

namespace mlp {

int64_t Shape::offsets_count() const {
  switch (format) {
    case MLP_DENSE: return 0;
    case MLP_CSR: return groups() * kGroupRows + 1;
    default: return groups() + 1;
  }
}

int64_t Shape::scales_bytes() const {
  switch (type) {
    case MLP_INT8: return groups() * kGroupRows * 4;
    case MLP_INT4: return groups() * scale_blocks() * kGroupRows * 2;
    default: return 0;
  }
}

Layout layout_of(const Shape& shape, int64_t index_bytes, int64_t value_bytes) {
  Layout layout{};
  layout.offsets = sizeof(Header);
  layout.scales = align_up(layout.offsets + shape.offsets_count() * 4);
  layout.sums = align_up(layout.scales + shape.scales_bytes());
  layout.index = align_up(layout.sums + shape.sums_bytes());
  layout.values = align_up(layout.index + index_bytes);
  layout.total = align_up(layout.values + value_bytes) + kTailBytes;
  return layout;
}

const char* check_shape(const Shape& shape) {
  if (shape.format < MLP_DENSE || shape.format > MLP_CSR) return "the format is none of 0 (dense) to 3 (CSR)";
  if (shape.type < MLP_F32 || shape.type > MLP_INT4) return "the type is none of 0 (f32) to 3 (int4)";
  if (shape.rows < 1 || shape.rows > kMaxRows) return "rows are not in 1..16777216";
  if (shape.columns < 1 || shape.columns > kMaxColumns) return "columns are not in 1..131072";
  if (shape.format == MLP_CSR && shape.type != MLP_F32) return "CSR stores f32 only";
  if (shape.format == MLP_CSR && shape.columns > kMaxIndexed) return "CSR takes at most 65536 columns";
  if (shape.format == MLP_BLOCK && shape.vectors() > kMaxIndexed) return "blocks of f32 take at most 65536 columns";
  return nullptr;
}

int padded_rows(int64_t rows, int most) {
  return rows <= 2 ? static_cast<int>(rows) : static_cast<int>(std::min<int64_t>((rows + 3) / 4 * 4, most));
}

int64_t bitmask_group_bytes(const Shape& shape, const uint8_t* masks, int64_t* kept) {
  const int mask_bytes = shape.vector_elements() / 8;
  int64_t counts[2] = {0, 0};
  for (int64_t v = 0; v < shape.vectors(); v++) {
    uint64_t mask = 0;
    std::memcpy(&mask, masks + v * mask_bytes, mask_bytes);
    counts[v & 1] += __builtin_popcountll(mask);
  }
  *kept = counts[0] + counts[1];
  return shape.type == MLP_INT4 ? std::max(counts[0], counts[1]) : *kept * shape.value_bytes();
}

}  // namespace mlp
