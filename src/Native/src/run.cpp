#include "run.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "errors.h"
#include "isa.h"

namespace mlp {

namespace {

// Memory of one thread that grows to what the largest run needs.
class Scratch {
 public:
  ~Scratch() { std::free(memory_); }

  uint8_t* take(int64_t bytes) {
    if (bytes > bytes_) {
      std::free(memory_);
      bytes_ = align_up(bytes);
      memory_ = static_cast<uint8_t*>(std::aligned_alloc(kAlignment, bytes_));
      if (memory_ == nullptr) bytes_ = 0;
    }
    return memory_;
  }

 private:
  uint8_t* memory_ = nullptr;
  int64_t bytes_ = 0;
};

thread_local Scratch t_workspace;
thread_local Scratch t_sums;

// Below this many bytes of weights one thread is done before the others have woken up.
constexpr int64_t kSerialBytes = 64 * 1024;

// From so many rows on, and with at most so many of the weights, skipping zeros wins over multiplying with them.
constexpr int kSkipFrom = 64;
constexpr int kSkipFromCsr = 8;  // a CSR matrix gathers for each row else
constexpr double kSkipDensity = 0.5;

bool skips(const mlp_matrix& matrix, int batch) {
  if (matrix.shape.format == MLP_CSR) return batch >= kSkipFromCsr;
  return matrix.shape.format == MLP_BITMASK && matrix.shape.type <= MLP_BF16 && batch >= kSkipFrom &&
         matrix.kept <= kSkipDensity * matrix.shape.rows * matrix.shape.columns;
}

ActivationPlan plan_for(const Kernels& kernels, const mlp_matrix& matrix, int batch) {
  const Shape& shape = matrix.shape;
  ActivationPlan plan{};
  plan.codes = shape.type == MLP_INT8 || shape.type == MLP_INT4;
  const bool blocks = shape.format == MLP_BLOCK && batch > kernels.stream_rows;
  plan.sums = shape.type == MLP_INT4 && shape.format != MLP_BLOCK;
  plan.zero_point = shape.type == MLP_INT8 || (shape.type == MLP_INT4 && blocks) ? kernels.int8_zero_point : 0;
  if (batch <= kernels.stream_rows) plan.rows = padded_rows(batch, kernels.stream_rows);
  else plan.rows = blocks ? kernels.block_rows : kernels.panel_rows;
  if (shape.format == MLP_CSR) plan.rows = 1;
  const bool large = batch > kernels.stream_rows && shape.format != MLP_BLOCK && shape.format != MLP_CSR;
  plan.tiles = large && ((shape.type == MLP_INT8 && kernels.int8_tiles) || (shape.type == MLP_BF16 && kernels.bf16_tiles));
  if (plan.tiles) {
    plan.rows = kGroupRows;
    plan.zero_point = 0;
  }
  plan.skip = !plan.tiles && skips(matrix, batch);
  if (plan.skip) plan.rows = kSkipBlock;
  const int left = batch % plan.rows;
  plan.last_rows = left == 0 || plan.tiles || plan.skip ? plan.rows : padded_rows(left, plan.rows);
  return plan;
}

// Where the parts of the workspace lie; returns its size.
int64_t place(const Kernels& kernels, const mlp_matrix& matrix, int batch, uint8_t* workspace, Activations* to) {
  const Shape& shape = matrix.shape;
  to->plan = plan_for(kernels, matrix, batch);
  to->grid = matrix.grid;
  to->batch = batch;
  to->columns = shape.columns;
  to->padded_columns = shape.padded_columns();
  const int64_t rows = (batch - 1) / to->plan.rows * to->plan.rows + to->plan.last_rows;
  const int64_t scales = align_up(rows * 4);
  const int64_t sums = to->plan.sums ? align_up(rows * shape.scale_blocks() * 4) : 0;
  const int64_t column_bytes = to->plan.codes ? 1 : to->plan.tiles ? 2 : 4;
  if (workspace != nullptr) {
    to->scales = reinterpret_cast<float*>(workspace);
    to->sums = reinterpret_cast<int32_t*>(workspace + scales);
    to->data = workspace + scales + sums;
  }
  return scales + sums + align_up(rows * to->padded_columns * column_bytes);
}

// Memory that a thread needs for the sums of a batch, and for what it unpacks.
int64_t scratch_bytes(const Kernels& kernels, const mlp_matrix& matrix, const ActivationPlan& plan, int64_t batch) {
  if (batch <= kernels.stream_rows && !plan.skip) return 0;
  const int64_t step = plan.skip ? kSkipBlock : kGroupRows, rows = (batch + step - 1) / step * step + step;
  if (plan.skip) return kSkipScratch + rows * kSkipRows * int64_t{sizeof(float)};
  if (matrix.shape.format == MLP_BLOCK)
    return std::min<int64_t>(rows, kBlockBatch) * kBlockGroups * kGroupRows * int64_t{sizeof(float)};
  return kernels.panel_bytes + rows * kernels.sum_bytes;
}

}  // namespace

int64_t workspace_bytes(const mlp_matrix& matrix, int32_t batch) {
  const Kernels* kernels = current_kernels();
  Activations to{};
  return kernels == nullptr ? -1 : place(*kernels, matrix, batch, nullptr, &to);
}

int32_t prepare_part(const mlp_matrix& matrix, const float* x, int64_t ldx, int32_t batch, void* workspace, int part,
                     int parts) {
  const Kernels* kernels = current_kernels();
  if (kernels == nullptr) return MLP_UNSUPPORTED;
  PrepareTask task{};
  place(*kernels, matrix, batch, static_cast<uint8_t*>(workspace), &task.to);
  task.x = x;
  task.ldx = ldx;
  const int64_t rows = task.to.plan.rows, blocks = (batch + rows - 1) / rows;
  task.begin = blocks * part / parts * rows;
  task.end = std::min<int64_t>(blocks * (part + 1) / parts * rows, batch);
  if (task.begin < task.end) kernels->prepare(task);
  return MLP_OK;
}

int32_t run_part(const mlp_matrix& matrix, const void* workspace, int32_t batch, float* y, int64_t ldy, int part,
                 int parts) {
  const Kernels* kernels = current_kernels();
  if (kernels == nullptr) return MLP_UNSUPPORTED;
  RunTask task{};
  task.matrix = &matrix;
  place(*kernels, matrix, batch, static_cast<uint8_t*>(const_cast<void*>(workspace)), &task.x);
  task.y = y;
  task.ldy = ldy;
  split_groups(matrix, part, parts, &task.begin, &task.end);
  if (task.begin >= task.end) return MLP_OK;
  const bool skip = task.x.plan.skip;
  const int64_t scratch = scratch_bytes(*kernels, matrix, task.x.plan, batch);
  if (scratch > 0) {
    task.scratch = t_sums.take(scratch);
    if (task.scratch == nullptr) return fail(MLP_OUT_OF_MEMORY, "Out of memory for the sums of %d rows.", batch);
  }
  if (skip) kernels->run_skip[matrix.shape.format][matrix.shape.type](task);
  else kernels->run[matrix.shape.format][matrix.shape.type](task);
  return MLP_OK;
}

int32_t run(const mlp_matrix& matrix, const float* x, int64_t ldx, int32_t batch, float* y, int64_t ldy, mlp_pool* pool) {
  const int64_t bytes = workspace_bytes(matrix, batch);
  if (bytes < 0) return MLP_UNSUPPORTED;
  uint8_t* workspace = t_workspace.take(bytes);
  if (workspace == nullptr) return fail(MLP_OUT_OF_MEMORY, "Out of memory for the activations of %d rows.", batch);
  if (pool == nullptr || pool->threads() == 1 || matrix.bytes < kSerialBytes) {
    const int32_t status = prepare_part(matrix, x, ldx, batch, workspace, 0, 1);
    return status == MLP_OK ? run_part(matrix, workspace, batch, y, ldy, 0, 1) : status;
  }

  struct Work {
    const mlp_matrix& matrix;
    const float* x;
    int64_t ldx;
    int32_t batch;
    float* y;
    int64_t ldy;
    uint8_t* workspace;
    int parts;
    std::atomic<int32_t> status;
  } work{matrix, x, ldx, batch, y, ldy, workspace, pool->threads(), {MLP_OK}};
  const auto prepare = [](void* context, int part) {
    auto& w = *static_cast<Work*>(context);
    prepare_part(w.matrix, w.x, w.ldx, w.batch, w.workspace, part, w.parts);
  };
  if (batch == 1) prepare_part(matrix, x, ldx, batch, workspace, 0, 1);
  else pool->run(prepare, &work);
  pool->run(
      [](void* context, int part) {
        auto& w = *static_cast<Work*>(context);
        const int32_t status = run_part(w.matrix, w.workspace, w.batch, w.y, w.ldy, part, w.parts);
        if (status != MLP_OK) w.status = status;
      },
      &work);
  if (work.status != MLP_OK) return fail(work.status, "A thread of the pool had no memory for its sums.");
  return MLP_OK;
}

}  // namespace mlp
