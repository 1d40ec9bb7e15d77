// What the operators for ONNX Runtime share.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "mlpruning.h"

namespace mlp_onnx {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<void, Free>;

constexpr size_t kAlignment = 64;

// At least so many bytes, aligned to 64; null if there is no memory.
Buffer allocate(int64_t bytes);

// Memory of one thread that grows to what is asked for, aligned to 64.
class Room {
 public:
  // Null if there is no memory.
  float* floats(int64_t count);

 private:
  Buffer memory_;
  int64_t count_ = 0;
};

extern const OrtApi* g_api;

OrtStatus* fail(OrtErrorCode code, const char* message);

// A packed matrix that is a constant of the graph, used where it lies.
struct Packed {
  mlp_matrix* matrix = nullptr;
  mlp_matrix_info info{};
  Buffer copy;  // where ONNX Runtime did not align it

  ~Packed() { mlp_matrix_close(matrix); }
};

// Opens input 1.
OrtStatus* open_packed(const OrtApi* api, const OrtKernelInfo* info, Packed* packed);

// mlpruning.SparseConv.
const OrtCustomOp* conv_operator();

// mlpruning.Points.
const OrtCustomOp* points_operator();

// The fields that all operators have alike: domain, characteristics, versions.
OrtCustomOp basic_operator();

}  // namespace mlp_onnx
