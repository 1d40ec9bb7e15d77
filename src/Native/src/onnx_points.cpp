// The ONNX Runtime operator mlpruning.Points: element-wise steps on x in one pass over memory.
#include "onnx_points.h"

#include <algorithm>
#include <new>
#include <thread>

#include "isa.h"

namespace mlp_onnx {

namespace {

constexpr int64_t kFloatsPerPart = 1 << 14;  // below this a thread costs more than it brings

}  // namespace

OrtStatus* Tensor::read(const OrtKernelContext* context, size_t index) {
  size_t count = 0;
  if (OrtStatus* status = g_api->KernelContext_GetInputCount(context, &count)) return status;
  if (index >= count) return nullptr;
  const OrtValue* value = nullptr;
  if (OrtStatus* status = g_api->KernelContext_GetInput(context, index, &value)) return status;
  if (value == nullptr) return nullptr;
  void* memory = nullptr;
  if (OrtStatus* status = g_api->GetTensorMutableData(const_cast<OrtValue*>(value), &memory)) return status;
  data = static_cast<const float*>(memory);
  OrtTensorTypeAndShapeInfo* info = nullptr;
  if (OrtStatus* status = g_api->GetTensorTypeAndShape(value, &info)) return status;
  OrtStatus* status = g_api->GetDimensionsCount(info, &rank);
  if (!status && rank > std::size(shape)) status = fail(ORT_INVALID_ARGUMENT, "A tensor has more than 8 dimensions");
  if (!status) status = g_api->GetDimensions(info, shape, rank);
  g_api->ReleaseTensorTypeAndShapeInfo(info);
  return status;
}

OrtStatus* output(const OrtKernelContext* context, const int64_t* shape, size_t rank, float** data) {
  OrtValue* value = nullptr;
  if (OrtStatus* status = g_api->KernelContext_GetOutput(const_cast<OrtKernelContext*>(context), 0, shape, rank, &value))
    return status;
  void* memory = nullptr;
  if (OrtStatus* status = g_api->GetTensorMutableData(value, &memory)) return status;
  *data = static_cast<float*>(memory);
  return nullptr;
}

int64_t parts_of(int64_t floats) {
  return std::clamp<int64_t>(floats / kFloatsPerPart, 1, std::max(1u, std::thread::hardware_concurrency()));
}

OrtStatus* Points::read(const OrtApi* api, const OrtKernelInfo* info) {
  size_t count = 0, numbers = 0;
  if (OrtStatus* status = api->KernelInfoGetAttributeArray_int64(info, "step_ops", nullptr, &count)) {
    api->ReleaseStatus(status);
    return nullptr;  // there are none
  }
  std::vector<int64_t> ops(count);
  std::vector<float> values(2 * count);
  if (OrtStatus* status = api->KernelInfoGetAttributeArray_int64(info, "step_ops", ops.data(), &count)) return status;
  if (OrtStatus* status = api->KernelInfoGetAttributeArray_float(info, "step_numbers", nullptr, &numbers)) return status;
  if (numbers != values.size()) return fail(ORT_INVALID_GRAPH, "step_numbers must have two floats a step");
  if (OrtStatus* status = api->KernelInfoGetAttributeArray_float(info, "step_numbers", values.data(), &numbers))
    return status;
  bool saved = false;
  for (size_t i = 0; i < count; i++) {
    const bool known = ops[i] >= mlp::kAffine && ops[i] <= mlp::kTimes;
    if (!known || (ops[i] == mlp::kTimes && !saved)) return fail(ORT_INVALID_GRAPH, "step_ops has an illegal step");
    saved |= ops[i] == mlp::kSave;
    steps_.push_back({static_cast<int32_t>(ops[i]), values[2 * i], values[2 * i + 1]});
  }
  return nullptr;
}

namespace {

OrtStatus* ORT_API_CALL create(const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info, void** result) try {
  auto points = std::make_unique<Points>();
  if (OrtStatus* status = points->read(api, info)) return status;
  *result = points.release();
  return nullptr;
} catch (const std::bad_alloc&) {
  return fail(ORT_FAIL, "Points: out of memory");
}

void ORT_API_CALL destroy(void* kernel) { delete static_cast<Points*>(kernel); }

struct Pass {
  const mlp::Kernels& kernels;
  mlp::PointSteps steps;
  const float* x;
  float* y;
  int64_t count, parts;
};

void run_part(void* data, size_t part) {
  const Pass& p = *static_cast<Pass*>(data);
  const int64_t i = static_cast<int64_t>(part), begin = p.count * i / p.parts, end = p.count * (i + 1) / p.parts;
  p.kernels.points({p.steps, p.x + begin, p.y + begin, end - begin});
}

OrtStatus* ORT_API_CALL compute(void* data, OrtKernelContext* context) {
  const Points& points = *static_cast<Points*>(data);
  const mlp::Kernels* kernels = mlp::current_kernels();
  if (kernels == nullptr) return fail(ORT_FAIL, mlp_last_error());
  Tensor x;
  if (OrtStatus* status = x.read(context, 0)) return status;
  float* y = nullptr;
  if (OrtStatus* status = output(context, x.shape, x.rank, &y)) return status;
  Pass pass{*kernels, points.steps(), x.data, y, 1, 1};
  for (size_t i = 0; i < x.rank; i++) pass.count *= x.shape[i];
  pass.parts = parts_of(pass.count);
  const auto parts = static_cast<size_t>(pass.parts);
  if (parts > 1) return g_api->KernelContext_ParallelFor(context, run_part, parts, parts, &pass);
  run_part(&pass, 0);
  return nullptr;
}

}  // namespace

const OrtCustomOp* points_operator() {
  static const OrtCustomOp points = [] {
    OrtCustomOp op = basic_operator();
    op.GetName = [](const OrtCustomOp*) { return "Points"; };
    op.GetInputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
    op.GetInputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
    op.GetInputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
    op.CreateKernelV2 = create;
    op.KernelComputeV2 = compute;
    op.KernelDestroy = destroy;
    return op;
  }();
  return &points;
}

}  // namespace mlp_onnx
