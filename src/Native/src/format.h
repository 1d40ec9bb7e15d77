// The packed blob: a header of 64 bytes and streams that start at multiples of 64 (docs/kernels.md).
#pragma once

#include <cstdint>

#include "mlpruning.h"

namespace mlp {

constexpr uint32_t kMagic = 0x36315450;  // "PT16", little endian
constexpr uint8_t kFormatVersion = 1;
constexpr int kGroupRows = 16;     // output rows that share a vector
constexpr int kColumnStep = 64;    // columns are padded to this; also the columns of an int4 scale
constexpr int kAlignment = 64;     // of every stream
constexpr int kTailBytes = 64;     // after the last stream, so that a whole vector may be loaded at any value
constexpr int32_t kMaxRows = 1 << 24;
constexpr int32_t kMaxColumns = 1 << 17;  // 127 * 127 * columns fits in 31 bits
constexpr int32_t kMaxIndexed = 1 << 16;  // vectors of a block row, columns of a CSR row: 16-bit indices

struct Header {
  uint32_t magic;
  uint8_t version;
  uint8_t format;
  uint8_t type;
  uint8_t reserved0;
  uint32_t rows;
  uint32_t columns;
  uint64_t bytes;
  uint64_t kept;
  uint32_t offsets_at;  // these five in units of 64 bytes
  uint32_t scales_at;
  uint32_t sums_at;
  uint32_t index_at;
  uint32_t values_at;
  uint32_t reserved1[3];
};
static_assert(sizeof(Header) == 64, "the header has 64 bytes");

// Sizes that follow from format, type, rows and columns alone.
struct Shape {
  int format;
  int type;
  int64_t rows;
  int64_t columns;

  int64_t groups() const { return (rows + kGroupRows - 1) / kGroupRows; }
  int64_t padded_columns() const { return (columns + kColumnStep - 1) / kColumnStep * kColumnStep; }
  // Columns that one vector covers.
  int vector_columns() const { return type == MLP_F32 ? 1 : type == MLP_BF16 ? 2 : 4; }
  int64_t vectors() const { return padded_columns() / vector_columns(); }
  // Bits of a vector's mask, which are also its elements.
  int vector_elements() const { return kGroupRows * vector_columns(); }
  // Bytes of one stored value; int4 has two in a byte.
  int value_bytes() const { return type == MLP_F32 ? 4 : type == MLP_BF16 ? 2 : 1; }
  int64_t scale_blocks() const { return padded_columns() / kColumnStep; }

  int64_t offsets_count() const;
  int64_t scales_bytes() const;
  int64_t sums_bytes() const { return type == MLP_INT8 ? groups() * kGroupRows * 4 : 0; }
};

// Where the streams of a blob lie, in bytes from its start.
struct Layout {
  int64_t offsets, scales, sums, index, values, total;
};

Layout layout_of(const Shape& shape, int64_t index_bytes, int64_t value_bytes);

// Null if format, type and size are legal together, else what is wrong.
const char* check_shape(const Shape& shape);

// Bytes of a bitmask group's values before padding: int4 packs even vectors in low nibbles and odd ones in high nibbles.
int64_t bitmask_group_bytes(const Shape& shape, const uint8_t* masks, int64_t* kept);

// The rows that kernels are made for: 1, 2, multiples of 4, and `most`.
int padded_rows(int64_t rows, int most);

inline int64_t align_up(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace mlp
