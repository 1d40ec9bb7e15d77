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

constexpr int kBlockPanelBytes = 24 * 1024;  // of activations that block kernels keep in the first cache
constexpr int kBlockBatch = 240;             // rows of the batch whose sums wait
constexpr int kBlockGroups = 32;             // and the groups of rows of the matrix

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
};

struct RunTask {
  const mlp_matrix* matrix;
  Activations x;
  float* y;
  int64_t ldy;
  int64_t begin, end;      // groups
  uint8_t* scratch;        // panel_scratch bytes, 64-byte aligned
};

// ---- element-wise steps on a value v ----
enum PointOp : int32_t {
  kAffine = 0,  // v = a v + b
  kClamp = 1,   // v = min(max(v, a), b)
  kLeaky = 2,   // v = a v where v < 0
  kSave = 3,    // saved = v
  kTimes = 4    // v = v * saved
};

struct PointStep {
  int32_t op;
  float a, b;
};

struct PointSteps {
  const PointStep* steps;
  int64_t count;
};

struct PointsTask {
  PointSteps steps;
  const float* x;
  float* y;
  int64_t count;
};

// ---- convolutions ----
constexpr int kConvPixels = 64;    // of a block
constexpr int kConvColumns = 128;  // of a panel: 32 KB of pixels in the first cache
constexpr int kConvSlack = 16;     // floats after them, which a copy may run over

// The stored weights of a row in a panel of columns; their places are columns of the panel times kConvPixels.
struct ConvList {
  uint32_t begin, count, row;
};

// Pixels that lie side by side: where they lie in the framed image, and in the block.
struct ConvRun {
  int64_t from;
  int32_t to, count;
};

struct ConvTask {
  const float* values;
  const uint16_t* places;
  const ConvList* lists;
  const int64_t* panels;  // the first list of each, and the end
  int64_t rows, columns;
  const float* image;     // framed
  int64_t plane;          // floats of a channel
  const int64_t* taps;
  int64_t tap_count;
  const ConvRun* runs;
  int run_count;
  int pixels;
  bool exact;             // one run, and nothing may be read after its end
  const float* bias;      // may be null
  PointSteps steps;
  float* y;
  int64_t ldy;
  float* scratch;         // 64-byte aligned
};

struct Kernels {
  int stream_rows;         // batches up to this read the weights once, vector by vector
  int panel_rows;          // larger ones: rows of an activation block
  int block_rows;          // the same of block matrices
  int int8_zero_point;     // of the activations of int8 matrices
  bool int8_tiles;         // large batches of int8 take tiles
  bool bf16_tiles;
  int64_t panel_bytes;     // scratch of one thread besides the sums of the batch
  int64_t sum_bytes;       // scratch of one thread for each row of the batch
  void (*prepare)(const PrepareTask&);
  void (*run[4][4])(const RunTask&);  // by format and type; null where the two do not go together
  void (*run_skip[4][4])(const RunTask&);  // the same; null but for f32 and bf16 bitmasks and CSR
  void (*conv)(const ConvTask&);
  void (*points)(const PointsTask&);
};

const Kernels& scalar_kernels();
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& vnni_kernels();
const Kernels& amx_kernels();
const Kernels& neon_kernels();

}  // namespace mlp
