// A product in two steps: activations into the workspace, then groups of rows.
#pragma once

#include "matrix.h"
#include "pool.h"

namespace mlp {

constexpr int32_t kMaxBatch = 1 << 16;
constexpr int32_t kMaxThreads = 1024;

// Negative, with this thread's last error set, if no instruction set is selected.
int64_t workspace_bytes(const mlp_matrix& matrix, int32_t batch);

int32_t prepare_part(const mlp_matrix& matrix, const float* x, int64_t ldx, int32_t batch, void* workspace, int part,
                     int parts);

int32_t run_part(const mlp_matrix& matrix, const void* workspace, int32_t batch, float* y, int64_t ldy, int part,
                 int parts);

int32_t run(const mlp_matrix& matrix, const float* x, int64_t ldx, int32_t batch, float* y, int64_t ldy, mlp_pool* pool);

}  // namespace mlp
