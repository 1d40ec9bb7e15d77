// Element-wise steps in operators for ONNX Runtime, and what such operators share.
//
// Attributes: step_ops, a number of PointOp each (kernels.h), and step_numbers, two floats a step.
#pragma once

#include <vector>

#include "kernels/kernels.h"
#include "onnx_operator.h"

namespace mlp_onnx {

// A tensor of floats that an operator takes; without data if it is left out.
struct Tensor {
  const float* data = nullptr;
  int64_t shape[8] = {};
  size_t rank = 0;

  OrtStatus* read(const OrtKernelContext* context, size_t index);
};

// The first output.
OrtStatus* output(const OrtKernelContext* context, const int64_t* shape, size_t rank, float** data);

// Parts of work on so many floats, one a thread at most.
int64_t parts_of(int64_t floats);

// The steps of a node.
class Points {
 public:
  OrtStatus* read(const OrtApi* api, const OrtKernelInfo* info);
  mlp::PointSteps steps() const { return {steps_.data(), static_cast<int64_t>(steps_.size())}; }

 private:
  std::vector<mlp::PointStep> steps_;
};

}  // namespace mlp_onnx
