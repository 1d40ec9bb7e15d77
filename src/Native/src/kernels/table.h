// The table of one instruction set's kernels.
#pragma once

#include "activations.h"
#include "block_panel.h"
#include "conv.h"
#include "panel.h"
#include "skip.h"
#include "t16.h"

namespace mlp {
namespace MLP_TARGET {

template <class A, int F, int T>
void run_dense_or_bitmask(const RunTask& task) {
  if (task.x.batch <= A::kStreamRows) run_stream<A, F, T>(task);
  else run_panel<A, F, T>(task);
}

template <class A>
void prepare_rows(const PrepareTask& task) {
  if (task.to.plan.skip) prepare_skip<A>(task);
  else prepare_units(task);
}

template <class A>
Kernels make_table() {
  Kernels table{};
  table.stream_rows = A::kStreamRows;
  table.panel_rows = A::kPanelRows;
  table.block_rows = A::kBlockRows;
  table.int8_zero_point = A::kInt8ZeroPoint;
  table.panel_bytes = 32 * 1024;
  table.sum_bytes = A::kPanelGroups * 64;
  table.prepare = prepare_rows<A>;
  table.run[MLP_DENSE][MLP_F32] = run_dense_or_bitmask<A, MLP_DENSE, MLP_F32>;
  table.run[MLP_DENSE][MLP_BF16] = run_dense_or_bitmask<A, MLP_DENSE, MLP_BF16>;
  table.run[MLP_DENSE][MLP_INT8] = run_dense_or_bitmask<A, MLP_DENSE, MLP_INT8>;
  table.run[MLP_DENSE][MLP_INT4] = run_dense_or_bitmask<A, MLP_DENSE, MLP_INT4>;
  table.run[MLP_BITMASK][MLP_F32] = run_dense_or_bitmask<A, MLP_BITMASK, MLP_F32>;
  table.run[MLP_BITMASK][MLP_BF16] = run_dense_or_bitmask<A, MLP_BITMASK, MLP_BF16>;
  table.run[MLP_BITMASK][MLP_INT8] = run_dense_or_bitmask<A, MLP_BITMASK, MLP_INT8>;
  table.run[MLP_BITMASK][MLP_INT4] = run_dense_or_bitmask<A, MLP_BITMASK, MLP_INT4>;
  table.run[MLP_BLOCK][MLP_F32] = run_block<A, MLP_F32>;
  table.run[MLP_BLOCK][MLP_BF16] = run_block<A, MLP_BF16>;
  table.run[MLP_BLOCK][MLP_INT8] = run_block<A, MLP_INT8>;
  table.run[MLP_BLOCK][MLP_INT4] = run_block<A, MLP_INT4>;
  table.run[MLP_CSR][MLP_F32] = run_csr<A>;
  table.run_skip[MLP_BITMASK][MLP_F32] = run_skip<A, BitmaskLists<A, MLP_F32>>;
  table.run_skip[MLP_BITMASK][MLP_BF16] = run_skip<A, BitmaskLists<A, MLP_BF16>>;
  table.run_skip[MLP_CSR][MLP_F32] = run_skip<A, CsrLists<A>>;
  table.conv = run_conv<A>;
  table.points = run_points;
  return table;
}

}  // namespace MLP_TARGET
}  // namespace mlp
