// Large batches of block matrices: the kept vectors of a panel of columns meet all rows of the batch while the activations
// of those columns lie in the first cache. Vectors that are not kept cost nothing.
#pragma once

#include "panel.h"

namespace mlp {
namespace MLP_TARGET {

// Units of activations of a panel: a multiple of the 16 of an int4 scale.
template <class A>
constexpr int64_t kBlockPanelUnits = int64_t{kBlockPanelBytes} / (4 * A::kBlockRows) / 16 * 16;

// The kept vectors of each of a few groups in one panel: begins[g] up to ends[g].
struct BlockRanges {
  int64_t begins[kBlockGroups];
  int64_t ends[kBlockGroups];

  void open(const mlp_matrix& m, int64_t group, int groups) {
    for (int g = 0; g < groups; g++) ends[g] = m.offsets[group + g];
  }

  // Those before vector `limit` that come next.
  void next(const mlp_matrix& m, int64_t group, int groups, int64_t limit) {
    const auto* index = reinterpret_cast<const uint16_t*>(m.index);
    for (int g = 0; g < groups; g++) {
      int64_t i = begins[g] = ends[g];
      const int64_t last = m.offsets[group + g + 1];
      while (i + 8 <= last && index[i + 7] < limit) i += 8;
      while (i < last && index[i] < limit) i++;
      ends[g] = i;
    }
  }
};

// Keeps GCC from making a register of each row's distance to the first.
MLP_INLINE const uint8_t* one_pointer(const uint8_t* p) {
  __asm__("" : "+r"(p));
  return p;
}

// Kept vectors times R rows of activations, added to sums [R][16]. Each fetches the one that stands as far behind the
// last: of the next panel, about.
template <class A, int T, int R>
MLP_INLINE void multiply_blocks(const mlp_matrix& m, int64_t begin, int64_t end, const uint8_t* x, bool first,
                                uint8_t* sums) {
  using Sum = SumOf<A, T>;
  constexpr int kStep = 4 * TypeTraits<T>::kUnits * R;
  const auto* index = reinterpret_cast<const uint16_t*>(m.index);
  typename Sum::Type acc[1][R];
  MLP_UNROLL
  for (int r = 0; r < R; r++) acc[0][r] = first ? Sum::zero() : Sum::get(sums + 64 * r);
  for (int64_t i = begin; i < end; i++) {
    const uint8_t* p = m.values + i * 64;
    __builtin_prefetch(p + (end - begin) * 64, 0, 2);
    multiply<A, T, R, 1, 0>(A::load(p), one_pointer(x + index[i] * int64_t{kStep}), acc);
  }
  MLP_UNROLL
  for (int r = 0; r < R; r++) Sum::put(sums + 64 * r, acc[0][r]);
}

// The same for int4: kept vectors 2i and 2i+1 share 64 bytes, and those of 64 columns are scaled together.
template <class A, int R>
MLP_INLINE void multiply_blocks_int4(const mlp_matrix& m, int64_t group, int64_t begin, int64_t end, const uint8_t* x,
                                     bool first, uint8_t* sums) {
  constexpr uint8_t kZeroPoint[4] = {A::kInt8ZeroPoint, A::kInt8ZeroPoint, A::kInt8ZeroPoint, A::kInt8ZeroPoint};
  const auto* index = reinterpret_cast<const uint16_t*>(m.index);
  auto* totals = reinterpret_cast<float*>(sums);
  if (first)
    for (int r = 0; r < R; r++) A::store_f(totals + 16 * r, A::zero_f());
  for (int64_t i = begin; i < end;) {
    const int block = index[i] / 16;
    typename A::I acc[R], added = A::zero_i();
    MLP_UNROLL
    for (int r = 0; r < R; r++) acc[r] = A::zero_i();
    for (; i < end && index[i] / 16 == block; i++) {
      const uint8_t* p = m.values + i / 2 * 64;
      auto w = i & 1 ? A::panel_odd(A::nibbles_odd(p)) : A::nibbles_even(p);
      if constexpr (A::kInt4Bias != 0) w = A::sub_bytes(w, A::int4_biases());
      if constexpr (A::kInt8ZeroPoint != 0) added = A::dot_i8(added, w, kZeroPoint);
      const uint8_t* at = one_pointer(x + index[i] * int64_t{4 * R});
      MLP_UNROLL
      for (int r = 0; r < R; r++) acc[r] = A::dot_i8(acc[r], w, at + 4 * r);
    }
    const auto scales = int4_scales<A>(m, group, block);
    MLP_UNROLL
    for (int r = 0; r < R; r++) {
      float* total = totals + 16 * r;
      A::store_f(total, A::fma_f(A::to_f(A::sub_i(acc[r], added)), scales, A::load_f(total)));
    }
  }
}

// R rows of the batch through a panel of all groups, their sums [group][R][16].
template <class A, int T, int R>
void block_rows(const RunTask& task, const BlockRanges& ranges, int64_t group, int groups, int64_t row, bool first,
                uint8_t* sums) {
  const mlp_matrix& m = *task.matrix;
  const uint8_t* x = task.x.data + row * task.x.padded_columns * (task.x.plan.codes ? 1 : 4);
  for (int g = 0; g < groups; g++, sums += R * 64)
    if constexpr (T == MLP_INT4)
      multiply_blocks_int4<A, R>(m, group + g, ranges.begins[g], ranges.ends[g], x, first, sums);
    else
      multiply_blocks<A, T, R>(m, ranges.begins[g], ranges.ends[g], x, first, sums);
}

template <class A, int T, int R>
void block_rows_of(const RunTask& task, const BlockRanges& ranges, int64_t group, int groups, int64_t row, int rows,
                   bool first, uint8_t* sums) {
  constexpr int kLast = A::kBlockRows;
  if (rows == R) block_rows<A, T, R>(task, ranges, group, groups, row, first, sums);
  else if constexpr (R < kLast)
    block_rows_of<A, T, next_rows(R, kLast)>(task, ranges, group, groups, row, rows, first, sums);
}

// `groups` groups of rows times the rows of the batch from `begin` up to `end`.
template <class A, int T>
void run_block_groups(const RunTask& task, int64_t group, int groups, int64_t begin, int64_t end) {
  constexpr int kRows = A::kBlockRows;
  const mlp_matrix& m = *task.matrix;
  const int64_t all = m.shape.vectors(), panel = kBlockPanelUnits<A> / TypeTraits<T>::kUnits;
  const auto rows_at = [&](int64_t row) { return task.x.batch - row < kRows ? task.x.plan.last_rows : kRows; };
  const auto sums_at = [&](int64_t row) { return task.scratch + (row - begin) * groups * 64; };
  BlockRanges ranges;
  ranges.open(m, group, groups);
  for (int64_t v = 0; v < all; v += panel) {
    ranges.next(m, group, groups, v + panel);
    for (int64_t row = begin; row < end; row += kRows)
      block_rows_of<A, T, 1>(task, ranges, group, groups, row, rows_at(row), v == 0, sums_at(row));
  }
  for (int64_t row = begin; row < end; row += kRows) {
    const int rows = rows_at(row);
    for (int g = 0; g < groups; g++)
      for (int r = 0; r < rows && row + r < end; r++)
        finish_row<A, T>(task, group + g, row + r, sums_at(row) + (g * rows + r) * 64);
  }
}

template <class A, int T>
void run_block(const RunTask& task) {
  static_assert(kBlockBatch % A::kBlockRows == 0, "chunks of the batch are whole blocks");
  if (task.x.batch <= A::kStreamRows) {
    run_stream<A, MLP_BLOCK, T>(task);
    return;
  }
  for (int64_t row = 0; row < task.x.batch; row += kBlockBatch) {
    const int64_t end = row + kBlockBatch < task.x.batch ? row + kBlockBatch : task.x.batch;
    for (int64_t group = task.begin; group < task.end; group += kBlockGroups) {
      const int groups = task.end - group < kBlockGroups ? static_cast<int>(task.end - group) : kBlockGroups;
      run_block_groups<A, T>(task, group, groups, row, end);
    }
  }
}

}  // namespace MLP_TARGET
}  // namespace mlp
