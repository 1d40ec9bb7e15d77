// What an instruction set offers, and the tasks its kernels take. No inline functions here: this file is compiled for
// several instruction sets, and the linker keeps one copy of an inline function.
#pragma once

#include <cstdint>

#include "../matrix.h"

namespace mlp {

// How the activations of a batch lie in the workspace.
struct ActivationPlan {
  bool codes;          // int8 codes with a scale a row, else float32
  bool tiles;          // 16 rows x 64 bytes of columns (AMX), else units of 4 bytes (a float or 4 codes) of `rows` rows
  int rows;            // rows of a block
  int last_rows;       // of the last block: 1, 2, a multiple of 4 or `rows`; those that the batch lacks are zeros
  int zero_point;      // added to every code: 0 or 128
  bool sums;           // sums of the codes of each 64 columns (int4)
  bool skip;           // float32 [block of 64 rows][column][64], for kernels that skip zeros
};

constexpr int kSkipBlock = 64;                 // rows of the batch in such a block
constexpr int kSkipRows = 128;                 // rows of the matrix that are multiplied with it together
constexpr int64_t kSkipScratch = 112 * 1024;   // bytes of a thread besides its sums, kSkipRows floats for each row

struct Activations {
  ActivationPlan plan;
  Grid grid;
  int64_t batch;
  int64_t columns;         // of the matrix
  int64_t padded_columns;
  float* scales;           // [batch]
  int32_t* sums;           // [batch, padded_columns / 64]
  uint8_t* data;
};

struct PrepareTask {
  Activations to;
  const float* x;
  int64_t ldx;
  int64_t begin, end;      // rows of the batch; begin starts a block
  bool by_column;          // x [columns, batch] instead; skip only
};

struct RunTask {
  const mlp_matrix* matrix;
  Activations x;
  float* y;
  int64_t ldy;
  int64_t begin, end;      // groups
  uint8_t* scratch;        // panel_scratch bytes, 64-byte aligned
  bool by_column;          // y [rows, batch] instead; skip only
};

struct Kernels {
  int stream_rows;         // batches up to this read the weights once, vector by vector
  int panel_rows;          // larger ones: rows of an activation block
  int int8_zero_point;     // of the activations of int8 matrices
  bool int8_tiles;         // large batches of int8 take tiles
  bool bf16_tiles;
  int64_t panel_bytes;     // scratch of one thread besides the sums of the batch
  int64_t sum_bytes;       // scratch of one thread for each row of the batch
  void (*prepare)(const PrepareTask&);
  void (*run[4][4])(const RunTask&);  // by format and type; null where the two do not go together
  void (*run_skip[4][4])(const RunTask&);  // the same; null but for f32 and bf16 bitmasks and CSR
};

const Kernels& scalar_kernels();
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& vnni_kernels();
const Kernels& amx_kernels();
const Kernels& neon_kernels();

}  // namespace mlp
