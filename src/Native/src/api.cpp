// The C ABI: checks arguments, and turns what C++ throws into status codes.
#include "mlpruning.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <system_error>

#include "errors.h"
#include "isa.h"
#include "matrix.h"
#include "packer.h"
#include "pool.h"
#include "run.h"

using mlp::fail;

namespace {

template <class Work>
int32_t guarded(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(MLP_OUT_OF_MEMORY, "Out of memory.");
  } catch (const std::system_error& error) {
    return fail(MLP_OUT_OF_MEMORY, "A thread could not be started: %s.", error.what());
  }
}

int32_t missing(const char* name) { return fail(MLP_BAD_ARGUMENT, "'%s' is null.", name); }

int32_t check_run(const mlp_matrix* matrix, int32_t batch, int64_t ldx, int64_t ldy) {
  if (matrix == nullptr) return missing("matrix");
  if (batch < 1 || batch > mlp::kMaxBatch)
    return fail(MLP_BAD_ARGUMENT, "The batch is %d; 1 to %d are legal.", batch, mlp::kMaxBatch);
  if (ldx < matrix->shape.columns)
    return fail(MLP_BAD_ARGUMENT, "Rows of x are %lld apart, but have %lld columns.", static_cast<long long>(ldx),
                static_cast<long long>(matrix->shape.columns));
  if (ldy < matrix->shape.rows)
    return fail(MLP_BAD_ARGUMENT, "Rows of y are %lld apart, but have %lld elements.", static_cast<long long>(ldy),
                static_cast<long long>(matrix->shape.rows));
  return MLP_OK;
}

int32_t check_part(const void* workspace, int32_t part, int32_t parts) {
  if (workspace == nullptr) return missing("workspace");
  if (reinterpret_cast<uintptr_t>(workspace) % mlp::kAlignment != 0)
    return fail(MLP_BAD_ARGUMENT, "The workspace is not aligned to 64 bytes.");
  if (parts < 1 || part < 0 || part >= parts)
    return fail(MLP_BAD_ARGUMENT, "Part %d of %d does not exist.", part, parts);
  return MLP_OK;
}

}  // namespace

extern "C" {

uint32_t mlp_abi_version(void) { return MLP_ABI_VERSION; }

const char* mlp_last_error(void) { return mlp::last_error(); }

const char* mlp_isa_name(int32_t isa) { return mlp::isa_name(isa); }

int32_t mlp_isa_supported(int32_t isa) { return mlp::isa_name(isa) != nullptr && mlp::isa_supported(isa) ? 1 : 0; }

int32_t mlp_isa_current(int32_t* isa) {
  if (isa == nullptr) return missing("isa");
  return mlp::current_isa(isa) ? MLP_OK : MLP_UNSUPPORTED;
}

int32_t mlp_isa_select(int32_t isa) {
  if (mlp::isa_name(isa) == nullptr) return fail(MLP_BAD_ARGUMENT, "There is no instruction set %d.", isa);
  if (!mlp::isa_supported(isa)) return fail(MLP_UNSUPPORTED, "This machine has no %s.", mlp::isa_name(isa));
  mlp::select_isa(isa);
  return MLP_OK;
}

int32_t mlp_packer_create(int32_t format, int32_t type, int32_t rows, int32_t columns, mlp_packer** packer) {
  if (packer == nullptr) return missing("packer");
  *packer = nullptr;
  const mlp::Shape shape{format, type, rows, columns};
  if (const char* wrong = mlp::check_shape(shape))
    return fail(MLP_BAD_ARGUMENT, "Cannot pack %d x %d: %s.", rows, columns, wrong);
  return guarded([&]() -> int32_t {
    auto created = std::make_unique<mlp_packer>();
    created->shape = shape;
    if (shape.type == MLP_INT8) created->sums.resize(shape.groups() * mlp::kGroupRows);
    if (shape.format != MLP_DENSE) {
      created->offsets.reserve(shape.offsets_count());
      created->offsets.push_back(0);
    }
    *packer = created.release();
    return MLP_OK;
  });
}

int32_t mlp_packer_add(mlp_packer* packer, const float* weights, int32_t count, int64_t stride, const float* scales) {
  if (packer == nullptr) return missing("packer");
  if (weights == nullptr) return missing("weights");
  const int64_t left = packer->shape.rows - packer->rows_in;
  if (count < 1 || count > left || (count % mlp::kGroupRows != 0 && count != left))
    return fail(MLP_BAD_ARGUMENT, "%d rows cannot be added: %lld are left, and all but the last come in sixteens.", count,
                static_cast<long long>(left));
  if (stride < packer->shape.columns)
    return fail(MLP_BAD_ARGUMENT, "Rows are %lld apart, but have %lld columns.", static_cast<long long>(stride),
                static_cast<long long>(packer->shape.columns));
  return guarded([&]() -> int32_t {
    const int64_t row_scales = packer->shape.type == MLP_INT4 ? packer->shape.scale_blocks() : 1;
    for (int32_t row = 0; row < count; row += mlp::kGroupRows)
      mlp::pack_group(*packer, weights + row * stride, count - row < mlp::kGroupRows ? count - row : mlp::kGroupRows,
                      stride, scales == nullptr ? nullptr : scales + row * row_scales);
    return MLP_OK;
  });
}

int32_t mlp_packer_size(mlp_packer* packer, int64_t* bytes) {
  if (packer == nullptr) return missing("packer");
  if (bytes == nullptr) return missing("bytes");
  if (packer->rows_in != packer->shape.rows)
    return fail(MLP_BAD_ARGUMENT, "%lld of %lld rows are in.", static_cast<long long>(packer->rows_in),
                static_cast<long long>(packer->shape.rows));
  *bytes = mlp::packed_layout(*packer).total;
  return MLP_OK;
}

int32_t mlp_packer_write(mlp_packer* packer, void* blob, int64_t bytes) {
  int64_t needed;
  const int32_t status = mlp_packer_size(packer, &needed);
  if (status != MLP_OK) return status;
  if (blob == nullptr) return missing("blob");
  if (bytes != needed)
    return fail(MLP_BAD_ARGUMENT, "The blob takes %lld bytes, not %lld.", static_cast<long long>(needed),
                static_cast<long long>(bytes));
  mlp::write_packed(*packer, static_cast<uint8_t*>(blob));
  return MLP_OK;
}

void mlp_packer_free(mlp_packer* packer) { delete packer; }

int32_t mlp_matrix_open(const void* blob, int64_t bytes, mlp_matrix** matrix) {
  if (matrix == nullptr) return missing("matrix");
  *matrix = nullptr;
  if (blob == nullptr) return missing("blob");
  if (reinterpret_cast<uintptr_t>(blob) % mlp::kAlignment != 0)
    return fail(MLP_BAD_ARGUMENT, "The blob is not aligned to 64 bytes.");
  if (mlp::current_kernels() == nullptr) return MLP_UNSUPPORTED;
  return guarded([&]() -> int32_t {
    auto opened = std::make_unique<mlp_matrix>();
    if (!mlp::open_matrix(blob, bytes, opened.get())) return MLP_BAD_BLOB;
    *matrix = opened.release();
    return MLP_OK;
  });
}

int32_t mlp_matrix_describe(const mlp_matrix* matrix, mlp_matrix_info* info) {
  if (matrix == nullptr) return missing("matrix");
  if (info == nullptr) return missing("info");
  const mlp::Shape& shape = matrix->shape;
  *info = {shape.format, shape.type, static_cast<int32_t>(shape.rows), static_cast<int32_t>(shape.columns),
           matrix->bytes, matrix->kept};
  return MLP_OK;
}

void mlp_matrix_close(mlp_matrix* matrix) { delete matrix; }

int32_t mlp_matrix_set_grid(mlp_matrix* matrix, float scale, int32_t lowest, int32_t highest) {
  if (matrix == nullptr) return missing("matrix");
  if (matrix->shape.type != MLP_INT8)
    return fail(MLP_UNSUPPORTED, "Only int8 matrices take activations on a grid of their own.");
  if (!(scale > 0) || !std::isfinite(scale))
    return fail(MLP_BAD_ARGUMENT, "The scale of the activations is %g; it must be positive and finite.",
                static_cast<double>(scale));
  if (lowest < -255 || lowest > 0 || highest < lowest || highest > lowest + 255)
    return fail(MLP_BAD_ARGUMENT, "Codes of activations go from %d to %d; from -255..0 at most 255 further is legal.",
                lowest, highest);
  matrix->grid = {scale, lowest, highest, lowest + 128};
  return MLP_OK;
}

int32_t mlp_pool_create(int32_t threads, mlp_pool** pool) {
  if (pool == nullptr) return missing("pool");
  *pool = nullptr;
  if (threads < 1 || threads > mlp::kMaxThreads)
    return fail(MLP_BAD_ARGUMENT, "%d threads; 1 to %d are legal.", threads, mlp::kMaxThreads);
  return guarded([&]() -> int32_t {
    *pool = new mlp_pool(threads);
    return MLP_OK;
  });
}

void mlp_pool_free(mlp_pool* pool) { delete pool; }

int32_t mlp_run(const mlp_matrix* matrix, const float* x, int64_t ldx, int32_t batch, float* y, int64_t ldy,
                mlp_pool* pool) {
  const int32_t status = check_run(matrix, batch, ldx, ldy);
  if (status != MLP_OK) return status;
  if (x == nullptr) return missing("x");
  if (y == nullptr) return missing("y");
  return mlp::run(*matrix, x, ldx, batch, y, ldy, pool);
}

int32_t mlp_workspace_bytes(const mlp_matrix* matrix, int32_t batch, int64_t* bytes) {
  const int32_t status = check_run(matrix, batch, mlp::kMaxColumns, mlp::kMaxRows);
  if (status != MLP_OK) return status;
  if (bytes == nullptr) return missing("bytes");
  *bytes = mlp::workspace_bytes(*matrix, batch);
  return *bytes < 0 ? MLP_UNSUPPORTED : MLP_OK;
}

int32_t mlp_prepare_part(const mlp_matrix* matrix, const float* x, int64_t ldx, int32_t batch, void* workspace,
                         int32_t part, int32_t parts) {
  int32_t status = check_run(matrix, batch, ldx, mlp::kMaxRows);
  if (status == MLP_OK) status = check_part(workspace, part, parts);
  if (status != MLP_OK) return status;
  if (x == nullptr) return missing("x");
  return mlp::prepare_part(*matrix, x, ldx, batch, workspace, part, parts);
}

int32_t mlp_run_part(const mlp_matrix* matrix, const void* workspace, int32_t batch, float* y, int64_t ldy, int32_t part,
                     int32_t parts) {
  int32_t status = check_run(matrix, batch, mlp::kMaxColumns, ldy);
  if (status == MLP_OK) status = check_part(workspace, part, parts);
  if (status != MLP_OK) return status;
  if (y == nullptr) return missing("y");
  return mlp::run_part(*matrix, workspace, batch, y, ldy, part, parts);
}

}  // extern "C"
