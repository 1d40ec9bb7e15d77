// The kernels, written once over an instruction set's registers: `A` is the class Isa of an isa_*.h. Each target
// compiles this file in a namespace of its own (MLP_TARGET), so that no code compiled for one serves another.
//
// A vector is 64 bytes: 16 output rows x {1 f32 | 2 bf16 | 4 codes} consecutive columns. The activations of a block of R
// rows lie as [unit][R] with units of 4 bytes, a float or 4 codes, so that a vector meets R broadcasts in a row.
#pragma once

#include <cstring>

#include "kernels.h"

#define MLP_INLINE inline __attribute__((always_inline))
// Before a loop over sums, which must stay in registers: by itself GCC unrolls up to 16 rounds.
#define MLP_UNROLL _Pragma("GCC unroll 32")

namespace mlp {
namespace MLP_TARGET {

// Bytes ahead of the load at which values and masks are fetched: a page and half a page, because the processor's own
// fetching stops at the end of each.
constexpr int kPrefetch = 4096;
constexpr int kPrefetchIndex = 2048;

MLP_INLINE void prefetch(const void* p) { __builtin_prefetch(static_cast<const char*>(p) + kPrefetch); }
MLP_INLINE void prefetch_index(const void* p) { __builtin_prefetch(static_cast<const char*>(p) + kPrefetchIndex); }

template <int T>
struct TypeTraits {
  static constexpr int kVectorColumns = T == MLP_F32 ? 1 : T == MLP_BF16 ? 2 : 4;
  static constexpr int kUnits = T == MLP_BF16 ? 2 : 1;  // units of activations that a vector meets
  static constexpr int kMaskBytes = 2 * kVectorColumns;
  static constexpr bool kCodes = T == MLP_INT8 || T == MLP_INT4;
  static constexpr int kBlockVectors = kColumnStep / kVectorColumns;  // vectors of 64 columns
};

// ---- what an instruction set may have better ----
// 16 x 16 floats, rows `step` floats apart, turned.
inline void transpose_plain(const float* from, int64_t from_step, float* to, int64_t to_step) {
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 16; j++) to[j * to_step + i] = from[i * from_step + j];
}

// Of 16 floats those that are not zero, with their places from `first` on; returns how many. Writes up to 16.
inline int32_t compress_plain(const float* from, int32_t first, float* values, uint16_t* places) {
  int32_t count = 0;
  for (int i = 0; i < 16; i++) {
    values[count] = from[i];
    places[count] = static_cast<uint16_t>(first + i);
    count += from[i] != 0;
  }
  return count;
}

// ---- sources: the vectors of one group, in order ----
template <class A, int T>
class DenseSource {
 public:
  MLP_INLINE void open(const mlp_matrix& m, int64_t group) {
    p_ = m.values + group * m.shape.vectors() * (T == MLP_INT4 ? 32 : 64);
  }

  MLP_INLINE void ahead() const {}

  // Vector `kOdd` of a pair; only int4 cares.
  template <bool kOdd>
  MLP_INLINE typename A::V next() {
    const uint8_t* p = p_;
    if (T != MLP_INT4 || kOdd) p_ += 64;
    prefetch(p);
    if (T != MLP_INT4) return A::load(p);
    return kOdd ? A::nibbles_odd(p) : A::nibbles_even(p);
  }

 private:
  const uint8_t* p_;
};

template <class A, int T>
class BitmaskSource {
 public:
  MLP_INLINE void open(const mlp_matrix& m, int64_t group) {
    mask_ = m.index + group * m.shape.vectors() * TypeTraits<T>::kMaskBytes;
    p_ = odd_ = m.values + static_cast<int64_t>(m.offsets[group]) * kAlignment;
  }

  // Fetches what comes, once for each two or four vectors.
  MLP_INLINE void ahead() const {
    prefetch_index(mask_);
    prefetch(p_);
    prefetch(p_ + 64);
  }

  template <bool kOdd>
  MLP_INLINE typename A::V next() {
    if constexpr (T == MLP_F32) {
      uint16_t mask;
      std::memcpy(&mask, mask_, 2);
      mask_ += 2;
      const uint8_t* p = p_;
      p_ += 4 * A::count(mask);
      return A::expand32(p, mask);
    } else if constexpr (T == MLP_BF16) {
      uint32_t mask;
      std::memcpy(&mask, mask_, 4);
      mask_ += 4;
      const uint8_t* p = p_;
      p_ += 2 * A::count(mask);
      return A::expand16(p, mask);
    } else {
      uint64_t mask;
      std::memcpy(&mask, mask_, 8);
      mask_ += 8;
      const uint8_t*& at = T == MLP_INT4 && kOdd ? odd_ : p_;
      const uint8_t* p = at;
      at += A::count(mask);
      if constexpr (T == MLP_INT8) return A::expand8(p, mask);
      else if constexpr (kOdd) return A::expand4_odd(p, mask);
      else return A::expand4_even(p, mask);
    }
  }

 private:
  const uint8_t* mask_;
  const uint8_t* p_;
  const uint8_t* odd_;  // int4: odd vectors have the high nibbles
};

template <class A, int T, int F>
struct SourceOf {
  using Type = BitmaskSource<A, T>;
};
template <class A, int T>
struct SourceOf<A, T, MLP_DENSE> {
  using Type = DenseSource<A, T>;
};

// ---- sums of one group for R rows of the batch ----
template <class A, int T>
struct SumOf {
  using Type = typename A::F;
  static MLP_INLINE Type zero() { return A::zero_f(); }
  static MLP_INLINE Type add(Type a, Type b) { return A::add_f(a, b); }
  static MLP_INLINE Type get(const uint8_t* p) { return A::load_f(reinterpret_cast<const float*>(p)); }
  static MLP_INLINE void put(uint8_t* p, Type sum) { A::store_f(reinterpret_cast<float*>(p), sum); }
};
template <class A>
struct SumOf<A, MLP_INT8> {
  using Type = typename A::I;
  static MLP_INLINE Type zero() { return A::zero_i(); }
  static MLP_INLINE Type add(Type a, Type b) { return A::add_i(a, b); }
  static MLP_INLINE Type get(const uint8_t* p) { return A::load_i(reinterpret_cast<const int32_t*>(p)); }
  static MLP_INLINE void put(uint8_t* p, Type sum) { A::store_i(reinterpret_cast<int32_t*>(p), sum); }
};

// One vector times R rows of activations. `kSplit` sums a row, by turns, keep additions from waiting for each other.
template <class A, int T, int R, int kSplit, int kTurn>
MLP_INLINE void multiply(typename A::V w, const uint8_t* x, typename SumOf<A, T>::Type (&sums)[kSplit][R]) {
  constexpr int s = kTurn * TypeTraits<T>::kUnits % kSplit;
  MLP_UNROLL
  for (int r = 0; r < R; r++) {
    if constexpr (T == MLP_F32) {
      sums[s][r] = A::fma_f32(sums[s][r], w, x + 4 * r);
    } else if constexpr (T == MLP_BF16) {
      sums[s][r] = A::fma_even(sums[s][r], w, x + 4 * r);
      sums[(s + 1) % kSplit][r] = A::fma_odd(sums[(s + 1) % kSplit][r], w, x + 4 * (R + r));
    } else {
      sums[s][r] = A::dot_i8(sums[s][r], w, x + 4 * r);
    }
  }
}

template <class A>
MLP_INLINE void store_rows(float* y, typename A::F values, int64_t rows) {
  if (rows >= kGroupRows) {
    A::store_f(y, values);
    return;
  }
  float all[kGroupRows];
  A::store_f(all, values);
  for (int64_t i = 0; i < rows; i++) y[i] = all[i];
}

// The sums of products of codes, of which every activation's was kAdded too large, and the grid's offset too small.
template <class A, int kAdded>
MLP_INLINE typename A::I without_offset(const mlp_matrix& m, int64_t group, typename A::I sum) {
  const int32_t added = kAdded - m.grid.offset;
  return added == 0 ? sum : A::sub_i(sum, A::mul_i(A::load_i(m.sums + group * kGroupRows), A::set_i(added)));
}

// The float32 results of a group's sums: scales, and what the zero point of the activations added.
template <class A, int T>
MLP_INLINE typename A::F finish(const mlp_matrix& m, int64_t group, typename SumOf<A, T>::Type sum, float x_scale) {
  if constexpr (T == MLP_INT8) {
    sum = without_offset<A, A::kInt8ZeroPoint>(m, group, sum);
    const auto scales = A::load_f(reinterpret_cast<const float*>(m.scales) + group * kGroupRows);
    return A::mul_f(A::to_f(sum), A::mul_f(scales, A::set_f(x_scale)));
  } else {
    return sum;
  }
}

template <class A>
MLP_INLINE typename A::F int4_scales(const mlp_matrix& m, int64_t group, int64_t block) {
  return A::load_bf16(m.scales + (group * m.shape.scale_blocks() + block) * kGroupRows * 2);
}

constexpr int split_of(int rows) { return rows == 1 ? 4 : rows <= 3 ? 2 : 1; }

template <class A, int T, int F, int R>
MLP_INLINE void stream_group(const mlp_matrix& m, int64_t group, const uint8_t* x, typename A::F (&y)[R],
                             const float* x_scales) {
  using Sum = SumOf<A, T>;
  constexpr int kSplit = split_of(R), kStep = 4 * TypeTraits<T>::kUnits * R;
  typename SourceOf<A, T, F>::Type source;
  source.open(m, group);
  typename Sum::Type sums[kSplit][R];
  for (auto& turn : sums)
    for (auto& sum : turn) sum = Sum::zero();
  const int64_t vectors = m.shape.vectors();
  for (int64_t v = 0; v < vectors; v += 4, x += 4 * kStep) {
    source.ahead();
    multiply<A, T, R, kSplit, 0>(source.template next<false>(), x, sums);
    multiply<A, T, R, kSplit, 1>(source.template next<true>(), x + kStep, sums);
    multiply<A, T, R, kSplit, 2>(source.template next<false>(), x + 2 * kStep, sums);
    multiply<A, T, R, kSplit, 3>(source.template next<true>(), x + 3 * kStep, sums);
  }
  for (int r = 0; r < R; r++) {
    for (int s = 1; s < kSplit; s++) sums[0][r] = Sum::add(sums[0][r], sums[s][r]);
    y[r] = finish<A, T>(m, group, sums[0][r], x_scales[r]);
  }
}

// The sum of one int4 block of 64 columns. Odd vectors may come 16 times too large, all with a bias on the codes.
template <class A>
MLP_INLINE typename A::F int4_block(typename A::I even, typename A::I odd, int32_t x_sum, typename A::F scales,
                                    typename A::F total) {
  if constexpr (A::kInt4OddShift != 0) odd = A::template shift_right<A::kInt4OddShift>(odd);
  typename A::I sum = A::add_i(even, odd);
  if constexpr (A::kInt4Bias != 0) sum = A::sub_i(sum, A::set_i(A::kInt4Bias * x_sum));
  return A::fma_f(A::to_f(sum), scales, total);
}

template <class A, int F, int R>
MLP_INLINE void stream_group_int4(const mlp_matrix& m, int64_t group, const uint8_t* x, typename A::F (&y)[R],
                                  const float* x_scales, const int32_t* x_sums) {
  typename SourceOf<A, MLP_INT4, F>::Type source;
  source.open(m, group);
  for (auto& value : y) value = A::zero_f();
  const int64_t blocks = m.shape.scale_blocks();
  for (int64_t block = 0; block < blocks; block++) {
    typename A::I even[R], odd[R];
    for (int r = 0; r < R; r++) even[r] = odd[r] = A::zero_i();
    for (int v = 0; v < 8; v++, x += 8 * R) {
      if (v % 4 == 0) source.ahead();
      const auto low = source.template next<false>();
      const auto high = source.template next<true>();
      for (int r = 0; r < R; r++) {
        even[r] = A::dot_i4(even[r], low, x + 4 * r);
        odd[r] = A::dot_i4(odd[r], high, x + 4 * (R + r));
      }
    }
    const auto scales = int4_scales<A>(m, group, block);
    for (int r = 0; r < R; r++) y[r] = int4_block<A>(even[r], odd[r], x_sums[r * blocks + block], scales, y[r]);
  }
  for (int r = 0; r < R; r++) y[r] = A::mul_f(y[r], A::set_f(x_scales[r]));
}

// ---- blocks: whole vectors, each with the index of its place in the row ----
template <class A, int T, int R>
MLP_INLINE void block_group(const mlp_matrix& m, int64_t group, const uint8_t* x, typename A::F (&y)[R],
                            const float* x_scales) {
  using Sum = SumOf<A, T>;
  constexpr int kSplit = split_of(R), kStep = 4 * TypeTraits<T>::kUnits * R;
  const auto* index = reinterpret_cast<const uint16_t*>(m.index);
  int64_t i = m.offsets[group];
  const int64_t end = m.offsets[group + 1];
  typename Sum::Type sums[kSplit][R];
  for (auto& turn : sums)
    for (auto& sum : turn) sum = Sum::zero();
  for (; i + 4 <= end; i += 4) {
    const uint8_t* p = m.values + i * 64;
    prefetch(p);
    multiply<A, T, R, kSplit, 0>(A::load(p), x + index[i] * kStep, sums);
    prefetch(p + 64);
    multiply<A, T, R, kSplit, 1>(A::load(p + 64), x + index[i + 1] * kStep, sums);
    prefetch(p + 128);
    multiply<A, T, R, kSplit, 2>(A::load(p + 128), x + index[i + 2] * kStep, sums);
    prefetch(p + 192);
    multiply<A, T, R, kSplit, 3>(A::load(p + 192), x + index[i + 3] * kStep, sums);
  }
  for (; i < end; i++) multiply<A, T, R, kSplit, 0>(A::load(m.values + i * 64), x + index[i] * kStep, sums);
  for (int r = 0; r < R; r++) {
    for (int s = 1; s < kSplit; s++) sums[0][r] = Sum::add(sums[0][r], sums[s][r]);
    y[r] = finish<A, T>(m, group, sums[0][r], x_scales[r]);
  }
}

// int4: kept vectors 2i and 2i+1 share 64 bytes. Each is scaled by itself; the biases of its 4 columns are taken off by
// multiplying a vector of biases with the same activations.
template <class A, int R>
MLP_INLINE void block_group_int4(const mlp_matrix& m, int64_t group, const uint8_t* x, typename A::F (&y)[R],
                                 const float* x_scales) {
  const auto* index = reinterpret_cast<const uint16_t*>(m.index);
  for (auto& value : y) value = A::zero_f();
  for (int64_t i = m.offsets[group]; i < static_cast<int64_t>(m.offsets[group + 1]); i++) {
    const uint8_t* p = m.values + i / 2 * 64;
    prefetch(p);
    const auto w = i & 1 ? A::panel_odd(A::nibbles_odd(p)) : A::nibbles_even(p);
    const auto scales = int4_scales<A>(m, group, index[i] / 16);
    for (int r = 0; r < R; r++) {
      const uint8_t* at = x + (index[i] * R + r) * 4;
      auto sum = A::dot_i4(A::zero_i(), w, at);
      if constexpr (A::kInt4Bias != 0) sum = A::sub_i(sum, A::dot_i4(A::zero_i(), A::int4_biases(), at));
      y[r] = A::fma_f(A::to_f(sum), scales, y[r]);
    }
  }
  for (int r = 0; r < R; r++) y[r] = A::mul_f(y[r], A::set_f(x_scales[r]));
}

template <class A, int T, int F, int R>
MLP_INLINE void one_group(const RunTask& task, int64_t group, int64_t row) {
  const mlp_matrix& m = *task.matrix;
  // Blocks of activations are as long as their rows, so that the block at `row` starts at row * columns units.
  const uint8_t* x = task.x.data + row * task.x.padded_columns * (task.x.plan.codes ? 1 : 4);
  const float* x_scales = task.x.scales + row;
  typename A::F y[R];
  if constexpr (T == MLP_INT4) {
    if constexpr (F == MLP_BLOCK) block_group_int4<A, R>(m, group, x, y, x_scales);
    else stream_group_int4<A, F, R>(m, group, x, y, x_scales, task.x.sums + row * m.shape.scale_blocks());
  } else {
    if constexpr (F == MLP_BLOCK) block_group<A, T, R>(m, group, x, y, x_scales);
    else stream_group<A, T, F, R>(m, group, x, y, x_scales);
  }
  const int64_t first = group * kGroupRows;
  for (int r = 0; r < R; r++)
    if (row + r < task.x.batch)
      store_rows<A>(task.y + (row + r) * task.ldy + first, y[r], m.shape.rows - first);
}

// The row counts that padded_rows gives, in order.
constexpr int next_rows(int rows, int last) { return rows < 2 ? 2 : rows < 4 ? 4 : rows + 4 < last ? rows + 4 : last; }

// Calls `one_group` with the number of rows as a constant.
template <class A, int T, int F, int R>
MLP_INLINE void groups_of(const RunTask& task, int64_t begin, int64_t end, int64_t row) {
  for (int64_t group = begin; group < end; group++) one_group<A, T, F, R>(task, group, row);
}

template <class A, int T, int F, int R, int kLast>
void rows_of(const RunTask& task, int64_t begin, int64_t end, int64_t row, int rows) {
  if (rows == R) groups_of<A, T, F, R>(task, begin, end, row);
  else if constexpr (R < kLast) rows_of<A, T, F, next_rows(R, kLast), kLast>(task, begin, end, row, rows);
}

template <class A, int F, int T>
void run_stream(const RunTask& task) {
  rows_of<A, T, F, 1, A::kStreamRows>(task, task.begin, task.end, 0, task.x.plan.rows);
}

// CSR: one row of the batch at a time, gathered.
template <class A>
void run_csr(const RunTask& task) {
  const mlp_matrix& m = *task.matrix;
  const auto* index = reinterpret_cast<const uint16_t*>(m.index);
  const auto* values = reinterpret_cast<const float*>(m.values);
  const int64_t last = task.end * kGroupRows < m.shape.rows ? task.end * kGroupRows : m.shape.rows;
  for (int64_t row = task.begin * kGroupRows; row < last; row++) {
    const int64_t begin = m.offsets[row], count = m.offsets[row + 1] - begin;
    for (int64_t b = 0; b < task.x.batch; b++) {
      const auto* x = reinterpret_cast<const float*>(task.x.data) + b * task.x.padded_columns;
      task.y[b * task.ldy + row] = A::gather_dot(values + begin, index + begin, count, x);
    }
  }
}

}  // namespace MLP_TARGET
}  // namespace mlp
