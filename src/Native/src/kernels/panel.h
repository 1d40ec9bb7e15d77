// Large batches: the vectors of a few groups are unpacked into a panel in the cache once, and all blocks of activations
// run over it. The sums of the whole batch wait in scratch until the last columns are through.
#pragma once

#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

// What a panel holds: f32 vectors for f32 and bf16, codes else.
template <class A, int T>
struct PanelTraits {
  static constexpr int kRun = T == MLP_BF16 ? MLP_F32 : T;
  static constexpr int64_t kBytes = int64_t{32} * 1024 / A::kPanelGroups;              // of one group
  static constexpr int64_t kVectors = kBytes / 64 / (T == MLP_BF16 ? 2 : 1);           // of the source
};

// Unpacks the next `vectors` of a group.
template <class A, int T, class Source>
MLP_INLINE void unpack(Source& source, int64_t vectors, uint8_t* out) {
  for (int64_t v = 0; v < vectors; v += 2) {
    source.ahead();
    const auto even = source.template next<false>();
    const auto odd = source.template next<true>();
    if constexpr (T == MLP_BF16) {
      A::store(out, A::widen_even(even));
      A::store(out + 64, A::widen_odd(even));
      A::store(out + 128, A::widen_even(odd));
      A::store(out + 192, A::widen_odd(odd));
      out += 256;
    } else {
      A::store(out, even);
      if constexpr (T == MLP_INT4) A::store(out + 64, A::panel_odd(odd));
      else A::store(out + 64, odd);
      out += 128;
    }
  }
}

// `vectors` of G groups' panels times a block of R rows, added to sums [R][G][16].
template <class A, int T, int G, int R>
MLP_INLINE void multiply_panel(const uint8_t* panel, const uint8_t* x, int64_t vectors, bool first, uint8_t* sums) {
  using Sum = SumOf<A, T>;
  typename Sum::Type acc[R][G];
  for (int r = 0; r < R; r++)
    for (int g = 0; g < G; g++)
      if (first) acc[r][g] = Sum::zero();
      else acc[r][g] = Sum::get(sums + (r * G + g) * 64);
  for (int64_t v = 0; v < vectors; v++, x += 4 * R, panel += 64) {
    typename A::V w[G];
    for (int g = 0; g < G; g++) w[g] = A::load(panel + g * PanelTraits<A, T>::kBytes);
    for (int r = 0; r < R; r++)
      for (int g = 0; g < G; g++)
        if constexpr (T == MLP_F32) acc[r][g] = A::fma_f32(acc[r][g], w[g], x + 4 * r);
        else acc[r][g] = A::dot_i8(acc[r][g], w[g], x + 4 * r);
  }
  for (int r = 0; r < R; r++)
    for (int g = 0; g < G; g++) Sum::put(sums + (r * G + g) * 64, acc[r][g]);
}

// The same for int4: after each 64 columns the integer sums are scaled and added to float sums.
template <class A, int G, int R>
MLP_INLINE void multiply_panel_int4(const RunTask& task, const uint8_t* panel, const uint8_t* x, int64_t vectors,
                                    int64_t block, int64_t group, int64_t row, bool first, uint8_t* sums) {
  const mlp_matrix& m = *task.matrix;
  for (int64_t v = 0; v < vectors; v += 16, block++) {
    typename A::I acc[R][G];
    for (auto& of_row : acc)
      for (auto& sum : of_row) sum = A::zero_i();
    for (int i = 0; i < 16; i++, x += 4 * R, panel += 64) {
      typename A::V w[G];
      for (int g = 0; g < G; g++) w[g] = A::load(panel + g * PanelTraits<A, MLP_INT4>::kBytes);
      for (int r = 0; r < R; r++)
        for (int g = 0; g < G; g++) acc[r][g] = A::dot_i4(acc[r][g], w[g], x + 4 * r);
    }
    typename A::F scales[G];
    for (int g = 0; g < G; g++) scales[g] = int4_scales<A>(m, group + g, block);
    for (int r = 0; r < R; r++) {
      const int32_t bias = A::kInt4Bias * task.x.sums[(row + r) * m.shape.scale_blocks() + block];
      for (int g = 0; g < G; g++) {
        auto* sum = reinterpret_cast<float*>(sums + (r * G + g) * 64);
        const auto total = first && v == 0 ? A::zero_f() : A::load_f(sum);
        A::store_f(sum, A::fma_f(A::to_f(A::sub_i(acc[r][g], A::set_i(bias))), scales[g], total));
      }
    }
  }
}

template <class A, int T, int G, int R, int kLast>
void multiply_rows(const RunTask& task, const uint8_t* panel, const uint8_t* x, int64_t vectors, int64_t column,
                   int64_t group, int64_t row, int rows, uint8_t* sums) {
  if (rows == R) {
    constexpr int kRun = PanelTraits<A, T>::kRun;
    if constexpr (T == MLP_INT4)
      multiply_panel_int4<A, G, R>(task, panel, x, vectors, column / kColumnStep, group, row, column == 0, sums);
    else
      multiply_panel<A, kRun, G, R>(panel, x, vectors * TypeTraits<T>::kUnits, column == 0, sums);
  } else if constexpr (R < kLast) {
    multiply_rows<A, T, G, next_rows(R, kLast), kLast>(task, panel, x, vectors, column, group, row, rows, sums);
  }
}

// The results of a group and a row of the batch from their sums [16], to where they belong.
template <class A, int T>
MLP_INLINE void finish_row(const RunTask& task, int64_t group, int64_t row, const uint8_t* sum) {
  const mlp_matrix& m = *task.matrix;
  const float x_scale = task.x.scales[row];
  typename A::F y;
  if constexpr (T == MLP_INT8)
    y = finish<A, T>(m, group, A::load_i(reinterpret_cast<const int32_t*>(sum)), x_scale);
  else
    y = A::mul_f(A::load_f(reinterpret_cast<const float*>(sum)), A::set_f(x_scale));
  const int64_t first = group * kGroupRows;
  store_rows<A>(task.y + row * task.ldy + first, y, m.shape.rows - first);
}

template <class A, int T, int F, int G>
void run_panel_groups(const RunTask& task, int64_t group) {
  using Source = typename SourceOf<A, T, F>::Type;
  const mlp_matrix& m = *task.matrix;
  const int64_t all = m.shape.vectors();
  uint8_t* panel = task.scratch;
  uint8_t* sums = task.scratch + 32 * 1024;
  const int64_t unit_bytes = task.x.plan.codes ? 1 : 4;
  Source sources[G];
  for (int g = 0; g < G; g++) sources[g].open(m, group + g);
  for (int64_t v = 0; v < all; v += PanelTraits<A, T>::kVectors) {
    const int64_t vectors = all - v < PanelTraits<A, T>::kVectors ? all - v : PanelTraits<A, T>::kVectors;
    for (int g = 0; g < G; g++) unpack<A, T>(sources[g], vectors, panel + g * PanelTraits<A, T>::kBytes);
    const int64_t column = v * TypeTraits<T>::kVectorColumns;
    for (int64_t row = 0; row < task.x.batch; row += A::kPanelRows) {
      const int rows = task.x.batch - row < A::kPanelRows ? task.x.plan.last_rows : A::kPanelRows;
      const uint8_t* x = task.x.data + (row * task.x.padded_columns + column * rows) * unit_bytes;
      multiply_rows<A, T, G, 1, A::kPanelRows>(task, panel, x, vectors, column, group, row, rows,
                                               sums + row * G * 64);
    }
  }
  for (int64_t row = 0; row < task.x.batch; row++)
    for (int g = 0; g < G; g++) finish_row<A, T>(task, group + g, row, sums + (row * G + g) * 64);
}

template <class A, int F, int T>
void run_panel(const RunTask& task) {
  int64_t group = task.begin;
  for (; group + A::kPanelGroups <= task.end; group += A::kPanelGroups)
    run_panel_groups<A, T, F, A::kPanelGroups>(task, group);
  for (; group < task.end; group++) run_panel_groups<A, T, F, 1>(task, group);
}

}  // namespace MLP_TARGET
}  // namespace mlp
