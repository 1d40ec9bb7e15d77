#include "matrix.h"

#include <cinttypes>
#include <cstring>

#include "errors.h"

namespace mlp {

namespace {

bool refuse(const char* what, int64_t where, int64_t got, int64_t wanted) {
  fail(MLP_BAD_BLOB, "%s at %" PRId64 " is %" PRId64 ", not %" PRId64 "; pack the matrix again.", what, where, got,
       wanted);
  return false;
}

bool check_bitmask(const Shape& shape, const uint8_t* blob, const Layout& layout, int64_t value_bytes, int64_t kept) {
  const auto* offsets = reinterpret_cast<const uint32_t*>(blob + layout.offsets);
  const int64_t mask_bytes = shape.vector_elements() / 8;
  const int64_t row_bytes = shape.vectors() * mask_bytes;
  int64_t at = 0, total = 0;
  for (int64_t g = 0; g < shape.groups(); g++) {
    if (offsets[g] != at) return refuse("the offset of group", g, offsets[g], at);
    int64_t count;
    at += align_up(bitmask_group_bytes(shape, blob + layout.index + g * row_bytes, &count)) / kAlignment;
    total += count;
  }
  if (offsets[shape.groups()] != at) return refuse("the offset of group", shape.groups(), offsets[shape.groups()], at);
  if (at * kAlignment != value_bytes) return refuse("the size of the values", layout.values, value_bytes, at * kAlignment);
  return total == kept || refuse("the count of kept weights", 24, kept, total);
}

// Blocks and CSR rows: prefix counts, and below each of them rising indices under a limit.
bool check_lists(const uint8_t* blob, const Layout& layout, int64_t lists, int64_t count,
                 int64_t limit) {
  const auto* offsets = reinterpret_cast<const uint32_t*>(blob + layout.offsets);
  const auto* index = reinterpret_cast<const uint16_t*>(blob + layout.index);
  if (offsets[0] != 0) return refuse("the offset of list", 0, offsets[0], 0);
  if (offsets[lists] != count) return refuse("the offset of list", lists, offsets[lists], count);
  for (int64_t i = 0; i < lists; i++) {
    const int64_t begin = offsets[i], end = offsets[i + 1];
    if (end < begin || end > count || end - begin > limit) return refuse("the offset of list", i + 1, end, begin);
    for (int64_t at = begin; at < end; at++) {
      if (index[at] >= limit) return refuse("the index", at, index[at], limit - 1);
      if (at > begin && index[at] <= index[at - 1]) return refuse("the index", at, index[at], index[at - 1] + 1);
    }
  }
  return true;
}

// Bytes of the index and value streams, from the header's count of kept weights; negative if no such count is possible.
void stream_bytes(const Shape& shape, const Header& header, int64_t* index, int64_t* values) {
  const int64_t kept = static_cast<int64_t>(header.kept);
  switch (shape.format) {
    case MLP_DENSE:
      *index = 0;
      *values = shape.groups() * shape.vectors() * (shape.type == MLP_INT4 ? 32 : 64);
      break;
    case MLP_BITMASK:
      *index = shape.groups() * shape.vectors() * shape.vector_elements() / 8;
      *values = static_cast<int64_t>(header.bytes) - kTailBytes - static_cast<int64_t>(header.values_at) * kAlignment;
      break;
    case MLP_BLOCK:
      *index = kept / shape.vector_elements() * 2;
      *values = shape.type == MLP_INT4 ? (kept / shape.vector_elements() + 1) / 2 * 64
                                       : kept / shape.vector_elements() * 64;
      break;
    default:
      *index = kept * 2;
      *values = kept * 4;
      break;
  }
}

bool check_header(const Header& header, int64_t bytes, const Shape& shape, Layout* layout, int64_t* value_bytes) {
  if (const char* wrong = check_shape(shape)) {
    fail(MLP_BAD_BLOB, "The packed matrix is damaged: %s.", wrong);
    return false;
  }
  if (header.bytes > static_cast<uint64_t>(bytes) || header.bytes < sizeof(Header) + kTailBytes)
    return refuse("the size in the header", 16, static_cast<int64_t>(header.bytes), bytes);
  if (header.kept > static_cast<uint64_t>(shape.groups() * kGroupRows * shape.padded_columns()))
    return refuse("the count of kept weights", 24, static_cast<int64_t>(header.kept), shape.rows * shape.columns);
  int64_t index_bytes;
  stream_bytes(shape, header, &index_bytes, value_bytes);
  if (*value_bytes < 0) return refuse("the place of the values", 48, header.values_at, 0);
  *layout = layout_of(shape, index_bytes, *value_bytes);
  const uint32_t got[5] = {header.offsets_at, header.scales_at, header.sums_at, header.index_at, header.values_at};
  const int64_t wanted[5] = {layout->offsets, layout->scales, layout->sums, layout->index, layout->values};
  for (int i = 0; i < 5; i++)
    if (got[i] != wanted[i] / kAlignment) return refuse("the place of stream", i, got[i], wanted[i] / kAlignment);
  return static_cast<int64_t>(header.bytes) == layout->total ||
         refuse("the size in the header", 16, static_cast<int64_t>(header.bytes), layout->total);
}

}  // namespace

bool open_matrix(const void* blob, int64_t bytes, mlp_matrix* matrix) {
  const auto* base = static_cast<const uint8_t*>(blob);
  Header header;
  if (bytes < static_cast<int64_t>(sizeof header)) return refuse("the size of the blob", 0, bytes, sizeof header);
  std::memcpy(&header, base, sizeof header);
  if (header.magic != kMagic) return refuse("the magic number", 0, header.magic, kMagic);
  if (header.version != kFormatVersion) return refuse("the format version", 4, header.version, kFormatVersion);
  if ((header.reserved0 | header.reserved1[0] | header.reserved1[1] | header.reserved1[2]) != 0)
    return refuse("a reserved field", 7, 1, 0);
  const Shape shape{header.format, header.type, header.rows, header.columns};
  Layout layout;
  int64_t value_bytes;
  if (!check_header(header, bytes, shape, &layout, &value_bytes)) return false;
  const auto kept = static_cast<int64_t>(header.kept);
  bool sound = true;
  if (shape.format == MLP_DENSE && kept != shape.rows * shape.columns)
    return refuse("the count of kept weights", 24, kept, shape.rows * shape.columns);
  if (shape.format == MLP_BITMASK) sound = check_bitmask(shape, base, layout, value_bytes, kept);
  if (shape.format == MLP_BLOCK) {
    const int64_t blocks = kept / shape.vector_elements();
    if (blocks * shape.vector_elements() != kept) return refuse("the count of kept weights", 24, kept, 0);
    sound = check_lists(base, layout, shape.groups(), blocks, shape.vectors());
  }
  if (shape.format == MLP_CSR)
    sound = check_lists(base, layout, shape.groups() * kGroupRows, kept, shape.columns);
  if (!sound) return false;
  *matrix = {shape, kept, layout.total, reinterpret_cast<const uint32_t*>(base + layout.offsets), base + layout.scales,
             reinterpret_cast<const int32_t*>(base + layout.sums), base + layout.index, base + layout.values,
             Grid{}};
  return true;
}

// Bytes that the groups before `group` take, headers and scales left out.
static int64_t bytes_before(const mlp_matrix& matrix, int64_t group) {
  const Shape& shape = matrix.shape;
  switch (shape.format) {
    case MLP_BITMASK: return matrix.offsets[group] * int64_t{64} + group * shape.vectors() * shape.vector_elements() / 8;
    case MLP_BLOCK: return matrix.offsets[group] * int64_t{shape.type == MLP_INT4 ? 34 : 66} + group;
    case MLP_CSR: return matrix.offsets[group * kGroupRows] * int64_t{6} + group;
    default: return group;
  }
}

void split_groups(const mlp_matrix& matrix, int part, int parts, int64_t* begin, int64_t* end) {
  const int64_t groups = matrix.shape.groups();
  const int64_t total = bytes_before(matrix, groups);
  int64_t edges[2];
  for (int i = 0; i < 2; i++) {
    // The first group that starts at or after this part's share.
    const auto target = static_cast<int64_t>(static_cast<double>(total) * (part + i) / parts);
    int64_t low = 0, high = groups;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (bytes_before(matrix, middle) < target) low = middle + 1;
      else high = middle;
    }
    edges[i] = part + i == parts ? groups : low;
  }
  *begin = edges[0];
  *end = edges[1];
}

}  // namespace mlp
