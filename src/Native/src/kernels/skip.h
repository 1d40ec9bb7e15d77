// Large batches of sparse float32 and bfloat16 matrices: zeros cost nothing. The stored weights of a few columns become
// lists, one a row of the matrix, and each weight meets 64 rows of activations that lie side by side in the cache.
#pragma once

#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

constexpr int kSkipColumns = 128;  // of activations in the first cache: 32 KB
constexpr int kSkipGroups = kSkipRows / kGroupRows;  // share them: more would be read from beyond the second cache else
constexpr int kLane = 16;          // activations of a register

// Lists of one panel of columns: row r has the weights begins[r] up to ends[r].
struct SkipLists {
  const float* values;
  const uint16_t* columns;  // of `x` in skip_rows
  uint32_t begins[kSkipGroups * kGroupRows];
  uint32_t ends[kSkipGroups * kGroupRows];
};

// Room to make them.
struct SkipScratch {
  alignas(64) float values[kSkipGroups * kGroupRows * kSkipColumns + kLane];
  alignas(64) uint16_t columns[kSkipGroups * kGroupRows * kSkipColumns + kLane];
  alignas(64) float tile[kGroupRows * kSkipColumns];
  alignas(64) float square[kGroupRows * kLane];
};
static_assert(sizeof(SkipScratch) <= kSkipScratch, "the scratch of a thread is too small");

// ---- activations: [block of 64][column][64] ----
template <class A>
void prepare_skip(const PrepareTask& task) {
  const Activations& to = task.to;
  for (int64_t first = task.begin; first < task.end; first += kSkipBlock) {
    auto* block = reinterpret_cast<float*>(to.data) + first * to.padded_columns;
    const int64_t left = to.batch - first < kSkipBlock ? to.batch - first : kSkipBlock;
    const int64_t used = (left + kLane - 1) / kLane * kLane;
    const int64_t whole = left / kLane * kLane, columns = to.columns / kLane * kLane;
    if (whole > 0)
      for (int64_t k = 0; k < columns; k += kLane)
        for (int64_t r = 0; r < whole; r += kLane)
          A::transpose(task.x + (first + r) * task.ldx + k, task.ldx, block + k * kSkipBlock + r, kSkipBlock);
    for (int64_t k = 0; k < to.padded_columns; k++) {
      float* out = block + k * kSkipBlock;
      int64_t r = k < columns ? whole : 0;
      const int64_t present = k < to.columns ? left : 0;
      for (; r < present; r++) out[r] = task.x[(first + r) * task.ldx + k];
      for (; r < used; r++) out[r] = 0;
    }
  }
}

// ---- weights ----
// The lists of a bitmask, whose vectors hold 16 rows.
template <class A, int T>
class BitmaskLists {
 public:
  MLP_INLINE void open(const RunTask& task, int64_t group, int groups) {
    for (int g = 0; g < groups; g++) sources_[g].open(*task.matrix, group + g);
    scratch_ = reinterpret_cast<SkipScratch*>(task.scratch);
    groups_ = groups;
  }

  // Those of the next columns; their numbers count from the first of them.
  MLP_INLINE void next(int64_t, int64_t columns, SkipLists* lists) {
    lists->values = scratch_->values;
    lists->columns = scratch_->columns;
    uint32_t end = 0;
    for (int g = 0; g < groups_; g++) {
      for (int64_t k = 0; k < columns; k += kLane) expand(sources_[g], k);
      for (int r = 0; r < kGroupRows; r++) {
        lists->begins[g * kGroupRows + r] = end;
        for (int64_t k = 0; k < columns; k += kLane)
          end += A::compress(scratch_->tile + r * kSkipColumns + k, static_cast<int32_t>(k), scratch_->values + end,
                             scratch_->columns + end);
        lists->ends[g * kGroupRows + r] = end;
      }
    }
  }

  static constexpr bool kAbsolute = false;

 private:
  // 16 columns, turned into rows.
  MLP_INLINE void expand(BitmaskSource<A, T>& source, int64_t k) {
    constexpr int kStep = TypeTraits<T>::kVectorColumns;
    for (int i = 0; i < kLane; i += 2 * kStep) {
      auto* out = reinterpret_cast<uint8_t*>(scratch_->square + i * kLane);
      source.ahead();
      const auto even = source.template next<false>();
      const auto odd = source.template next<true>();
      if constexpr (T == MLP_BF16) {
        A::store(out, A::widen_even(even));
        A::store(out + 64, A::widen_odd(even));
        A::store(out + 128, A::widen_even(odd));
        A::store(out + 192, A::widen_odd(odd));
      } else {
        A::store(out, even);
        A::store(out + 64, odd);
      }
    }
    A::transpose(scratch_->square, kLane, scratch_->tile + k, kSkipColumns);
  }

  BitmaskSource<A, T> sources_[kSkipGroups];
  SkipScratch* scratch_;
  int groups_;
};

// Those of CSR, which is lists.
template <class A>
class CsrLists {
 public:
  MLP_INLINE void open(const RunTask& task, int64_t group, int groups) {
    offsets_ = task.matrix->offsets + group * kGroupRows;
    values_ = reinterpret_cast<const float*>(task.matrix->values);
    columns_ = reinterpret_cast<const uint16_t*>(task.matrix->index);
    rows_ = groups * kGroupRows;
    for (int r = 0; r < rows_; r++) at_[r] = offsets_[r];
  }

  MLP_INLINE void next(int64_t column, int64_t columns, SkipLists* lists) {
    lists->values = values_;
    lists->columns = columns_;
    const int64_t limit = column + columns;
    for (int r = 0; r < rows_; r++) {
      uint32_t i = at_[r];
      const uint32_t end = offsets_[r + 1];
      lists->begins[r] = i;
      while (i + 8 <= end && columns_[i + 7] < limit) i += 8;
      while (i < end && columns_[i] < limit) i++;
      lists->ends[r] = at_[r] = i;
    }
  }

  static constexpr bool kAbsolute = true;

 private:
  const uint32_t* offsets_;
  const float* values_;
  const uint16_t* columns_;
  uint32_t at_[kSkipGroups * kGroupRows];
  int rows_;
};

// ---- products ----
// A list times 16 * N activations of each of its columns, which are `Step` times their numbers apart.
template <class A, int N, int Step = kSkipBlock>
MLP_INLINE void skip_row(const float* values, const uint16_t* columns, int64_t count, const float* x, float* sums,
                         bool first) {
  constexpr int kSplit = A::kSkipSplit;
  typename A::F acc[kSplit][N];
  for (int s = 0; s < kSplit; s++)
    for (int n = 0; n < N; n++) acc[s][n] = s > 0 || first ? A::zero_f() : A::load_f(sums + n * kLane);
  int64_t i = 0;
  for (; i + 2 <= count; i += 2)
    for (int s = 0; s < 2; s++) {
      const auto w = A::set_f(values[i + s]);
      const float* at = x + columns[i + s] * int64_t{Step};
      for (int n = 0; n < N; n++)
        acc[s % kSplit][n] = A::fma_f(w, A::load_f(at + n * kLane), acc[s % kSplit][n]);
    }
  if (i < count) {
    const auto w = A::set_f(values[i]);
    const float* at = x + columns[i] * int64_t{Step};
    for (int n = 0; n < N; n++) acc[0][n] = A::fma_f(w, A::load_f(at + n * kLane), acc[0][n]);
  }
  for (int n = 0; n < N; n++) {
    for (int s = 1; s < kSplit; s++) acc[0][n] = A::add_f(acc[0][n], acc[s][n]);
    A::store_f(sums + n * kLane, acc[0][n]);
  }
}

template <class A, int N>
void skip_rows(const SkipLists& lists, int rows, const float* x, float* sums, bool first) {
  for (int r = 0; r < rows; r++)
    skip_row<A, N>(lists.values + lists.begins[r], lists.columns + lists.begins[r], lists.ends[r] - lists.begins[r], x,
                   sums + r * kSkipBlock, first);
}

// Sums of 16 rows of the matrix and 16 of the batch, [16][kSkipBlock], to where they belong.
template <class A>
MLP_INLINE void finish_skip(const RunTask& task, int64_t row, int64_t batch_row, const float* sums) {
  const mlp_matrix& m = *task.matrix;
  const int64_t rows = m.shape.rows - row < kLane ? m.shape.rows - row : kLane;
  const int64_t left = task.x.batch - batch_row < kLane ? task.x.batch - batch_row : kLane;
  if (rows == kLane && left == kLane) {
    A::transpose(sums, kSkipBlock, task.y + batch_row * task.ldy + row, task.ldy);
  } else {
    for (int64_t b = 0; b < left; b++)
      for (int64_t r = 0; r < rows; r++) task.y[(batch_row + b) * task.ldy + row + r] = sums[r * kSkipBlock + b];
  }
}

template <class A, class Source>
void run_skip(const RunTask& task) {
  auto* sums = reinterpret_cast<float*>(task.scratch + kSkipScratch);
  constexpr int64_t kSums = kSkipGroups * kGroupRows * kSkipBlock;  // of a block of the batch
  const int64_t all = task.x.padded_columns;
  for (int64_t group = task.begin; group < task.end; group += kSkipGroups) {
    const int groups = task.end - group < kSkipGroups ? static_cast<int>(task.end - group) : kSkipGroups;
    const int rows = groups * kGroupRows;
    Source source;
    SkipLists lists;
    source.open(task, group, groups);
    for (int64_t column = 0; column < all; column += kSkipColumns) {
      const int64_t columns = all - column < kSkipColumns ? all - column : kSkipColumns;
      source.next(column, columns, &lists);
      for (int64_t row = 0; row < task.x.batch; row += kSkipBlock) {
        const auto* x = reinterpret_cast<const float*>(task.x.data) + row * all +
                        (Source::kAbsolute ? 0 : column * kSkipBlock);
        float* of_block = sums + row / kSkipBlock * kSums;
        const int64_t left = task.x.batch - row;
        if (left > 3 * kLane) skip_rows<A, 4>(lists, rows, x, of_block, column == 0);
        else if (left > 2 * kLane) skip_rows<A, 3>(lists, rows, x, of_block, column == 0);
        else if (left > kLane) skip_rows<A, 2>(lists, rows, x, of_block, column == 0);
        else skip_rows<A, 1>(lists, rows, x, of_block, column == 0);
      }
    }
    for (int64_t row = 0; row < task.x.batch; row += kLane)
      for (int g = 0; g < groups; g++) {
        const float* of_group = sums + row / kSkipBlock * kSums + g * kGroupRows * kSkipBlock + row % kSkipBlock;
        finish_skip<A>(task, (group + g) * kGroupRows, row, of_group);
      }
  }
}

}  // namespace MLP_TARGET
}  // namespace mlp
