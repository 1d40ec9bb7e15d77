// The C ABI of the sparse kernels. docs/kernels.md describes the packed format and the kernels behind it.
//
// Every function returns an mlp_status unless it says otherwise, throws nothing, prints nothing and aborts nothing. After
// a failure mlp_last_error() says on the same thread what was wrong. Pointers to numbers need only the alignment of their
// type, a blob needs 64 bytes. A matrix may be used by several threads at once, a packer or a pool by one at a time.
#ifndef MLPRUNING_H
#define MLPRUNING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define MLP_API __declspec(dllexport)
#else
#define MLP_API __attribute__((visibility("default")))
#endif

// Goes up whenever a declaration of this file changes its meaning.
#define MLP_ABI_VERSION 1

typedef enum mlp_status {
  MLP_OK = 0,
  MLP_BAD_ARGUMENT = 1,
  MLP_BAD_BLOB = 2,
  MLP_UNSUPPORTED = 3,
  MLP_OUT_OF_MEMORY = 4
} mlp_status;

typedef enum mlp_format { MLP_DENSE = 0, MLP_BITMASK = 1, MLP_BLOCK = 2, MLP_CSR = 3 } mlp_format;

// f32; bf16; codes of 8 bits with a float32 scale a row; codes of 4 bits with a bf16 scale for each 64 columns of a row.
typedef enum mlp_type { MLP_F32 = 0, MLP_BF16 = 1, MLP_INT8 = 2, MLP_INT4 = 3 } mlp_type;

typedef enum mlp_isa {
  MLP_SCALAR = 0,
  MLP_AVX2 = 1,
  MLP_AVX512 = 2,
  MLP_VNNI = 3,
  MLP_AMX = 4,
  MLP_NEON = 5
} mlp_isa;
#define MLP_ISA_COUNT 6

typedef struct mlp_matrix mlp_matrix;
typedef struct mlp_packer mlp_packer;
typedef struct mlp_pool mlp_pool;

typedef struct mlp_matrix_info {
  int32_t format;
  int32_t type;
  int32_t rows;
  int32_t columns;
  int64_t bytes;  // of the blob
  int64_t kept;   // stored weights, zeros inside kept blocks included
} mlp_matrix_info;

// ---- library ----
MLP_API uint32_t mlp_abi_version(void);
// The text of this thread's last failure; never null, valid until the next call on this thread.
MLP_API const char* mlp_last_error(void);
// The name of an mlp_isa ("scalar", "avx2", "avx512", "vnni", "amx", "neon"), or null.
MLP_API const char* mlp_isa_name(int32_t isa);
// 1 if this machine can run it, else 0.
MLP_API int32_t mlp_isa_supported(int32_t isa);
// The one in use: the best that this machine has, or what the environment variable MLPRUNING_ISA names. MLP_UNSUPPORTED
// if the variable names none or one that this machine lacks; nothing runs then until mlp_isa_select settles it.
MLP_API int32_t mlp_isa_current(int32_t* isa);
// Chooses for the whole process, from the next run on. Not while another thread runs a matrix.
MLP_API int32_t mlp_isa_select(int32_t isa);

// ---- packing, a few rows at a time ----
MLP_API int32_t mlp_packer_create(int32_t format, int32_t type, int32_t rows, int32_t columns, mlp_packer** packer);
// The next `count` rows, row-major, `stride` floats apart: a multiple of 16 rows, or what is left. For int8 `scales` has
// one float a row, for int4 ceil(columns / 64) a row, row-major, exact in bf16; null works them out as max|w| over the
// largest code. Weights that are zero, or whose code is zero, are not stored in the sparse formats.
MLP_API int32_t mlp_packer_add(mlp_packer* packer, const float* weights, int32_t count, int64_t stride,
                               const float* scales);
// Once all rows are in: the size of the blob in bytes.
MLP_API int32_t mlp_packer_size(mlp_packer* packer, int64_t* bytes);
// Writes the blob to `blob`, which has `bytes` bytes.
MLP_API int32_t mlp_packer_write(mlp_packer* packer, void* blob, int64_t bytes);
MLP_API void mlp_packer_free(mlp_packer* packer);

// ---- matrices ----
// Checks every header field, offset, index and count of the blob once, so that no later run can read outside of it. The
// blob is used in place: it stays mapped and unchanged until mlp_matrix_close.
MLP_API int32_t mlp_matrix_open(const void* blob, int64_t bytes, mlp_matrix** matrix);
MLP_API int32_t mlp_matrix_describe(const mlp_matrix* matrix, mlp_matrix_info* info);
MLP_API void mlp_matrix_close(mlp_matrix* matrix);
// For int8: activations of this matrix become codes round(x / scale), half to even, kept within lowest..highest (lowest at
// most 0, at most 255 codes above it), and count as code * scale. Without it each row of a batch has a scale of its own,
// max|x| / 127. Before the first run.
MLP_API int32_t mlp_matrix_set_grid(mlp_matrix* matrix, float scale, int32_t lowest, int32_t highest);

// ---- threads ----
// A pool of `threads` threads, the caller included.
MLP_API int32_t mlp_pool_create(int32_t threads, mlp_pool** pool);
MLP_API void mlp_pool_free(mlp_pool* pool);

// ---- running: y[b, n] = sum over k of x[b, k] * w[n, k] ----
// x [batch, columns] and y [batch, rows] are row-major float32, `ldx` and `ldy` floats apart. Null pool: on this thread.
MLP_API int32_t mlp_run(const mlp_matrix* matrix, const float* x, int64_t ldx, int32_t batch, float* y, int64_t ldy,
                        mlp_pool* pool);

// The same in two steps, for callers with threads of their own. The workspace (64-byte aligned, mlp_workspace_bytes)
// takes the activations as the kernels want them; every part of 0..parts-1 of the prepare step must have ended before any
// part of the run step begins. Parts share the work by bytes and write separate elements of y.
MLP_API int32_t mlp_workspace_bytes(const mlp_matrix* matrix, int32_t batch, int64_t* bytes);
MLP_API int32_t mlp_prepare_part(const mlp_matrix* matrix, const float* x, int64_t ldx, int32_t batch, void* workspace,
                                 int32_t part, int32_t parts);
MLP_API int32_t mlp_run_part(const mlp_matrix* matrix, const void* workspace, int32_t batch, float* y, int64_t ldy,
                             int32_t part, int32_t parts);

#ifdef __cplusplus
}
#endif

#endif
