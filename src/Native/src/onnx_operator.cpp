// The ONNX Runtime operator mlpruning.SparseMatMul: y = x W^T, x float32 [.., columns], W packed (docs/kernels.md) as a
// constant uint8 [bytes], y float32 [.., rows]. ONNX Runtime's own threads share the work; W is used where it lies.
// Attributes, all or none, int8 only: x_scale, x_lowest, x_highest, the grid of the activations (mlp_matrix_set_grid).
#include "onnx_operator.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

namespace mlp_onnx {

const OrtApi* g_api = nullptr;

Buffer allocate(int64_t bytes) {
  const size_t rounded = (static_cast<size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
  return Buffer(std::aligned_alloc(kAlignment, rounded));
}

float* Room::floats(int64_t count) {
  if (count > count_) {
    memory_ = allocate(count * static_cast<int64_t>(sizeof(float)));
    count_ = memory_ ? count : 0;
  }
  return static_cast<float*>(memory_.get());
}

OrtStatus* fail(OrtErrorCode code, const char* message) { return g_api->CreateStatus(code, message); }

OrtStatus* open_packed(const OrtApi* api, const OrtKernelInfo* info, Packed* packed) {
  int is_constant = 0;
  const OrtValue* value = nullptr;
  if (OrtStatus* status = api->KernelInfoGetConstantInput_tensor(info, 1, &is_constant, &value)) return status;
  if (!is_constant) return fail(ORT_INVALID_GRAPH, "The packed matrix must be a constant");
  OrtTensorTypeAndShapeInfo* shape = nullptr;
  if (OrtStatus* status = api->GetTensorTypeAndShape(value, &shape)) return status;
  size_t bytes = 0;
  OrtStatus* status = api->GetTensorShapeElementCount(shape, &bytes);
  api->ReleaseTensorTypeAndShapeInfo(shape);
  if (status) return status;
  void* data = nullptr;
  if (OrtStatus* s = api->GetTensorMutableData(const_cast<OrtValue*>(value), &data)) return s;
  if (reinterpret_cast<uintptr_t>(data) % kAlignment != 0) {
    packed->copy = allocate(static_cast<int64_t>(bytes));
    if (!packed->copy) return fail(ORT_FAIL, "Out of memory for a packed matrix");
    data = std::memcpy(packed->copy.get(), data, bytes);
  }

  if (mlp_matrix_open(data, static_cast<int64_t>(bytes), &packed->matrix) != MLP_OK ||
      mlp_matrix_describe(packed->matrix, &packed->info) != MLP_OK)
    return fail(ORT_INVALID_GRAPH, mlp_last_error());
  return nullptr;
}

}  // namespace mlp_onnx

namespace {

using namespace mlp_onnx;

// That of ONNX Runtime 1.17, the first with KernelContext_ParallelFor; every later one understands it.
constexpr uint32_t kOrtApi = 17;
constexpr int64_t kRowsPerPass = 1024;      // whose activations and sums the second cache still holds
constexpr int64_t kBytesPerPart = 1 << 16;  // below this a thread costs more than it brings
constexpr size_t kMaxDimensions = 8;

OrtStatus* take_grid(const OrtApi* api, const OrtKernelInfo* info, mlp_matrix* matrix) {
  float scale = 0;
  if (OrtStatus* absent = api->KernelInfoGetAttribute_float(info, "x_scale", &scale)) {
    api->ReleaseStatus(absent);
    return nullptr;
  }
  int64_t lowest = 0, highest = 0;
  if (OrtStatus* status = api->KernelInfoGetAttribute_int64(info, "x_lowest", &lowest)) return status;
  if (OrtStatus* status = api->KernelInfoGetAttribute_int64(info, "x_highest", &highest)) return status;
  const auto bounded = [](int64_t code) { return static_cast<int32_t>(std::clamp<int64_t>(code, -1024, 1024)); };
  if (mlp_matrix_set_grid(matrix, scale, bounded(lowest), bounded(highest)) != MLP_OK)
    return fail(ORT_INVALID_GRAPH, mlp_last_error());
  return nullptr;
}

OrtStatus* ORT_API_CALL create(const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info, void** result) {
  std::unique_ptr<Packed> packed(new (std::nothrow) Packed());
  if (!packed) return fail(ORT_FAIL, "SparseMatMul: out of memory");
  if (OrtStatus* status = open_packed(api, info, packed.get())) return status;
  if (OrtStatus* status = take_grid(api, info, packed->matrix)) return status;
  *result = packed.release();
  return nullptr;
}

void ORT_API_CALL destroy(void* kernel) { delete static_cast<Packed*>(kernel); }

struct Pass {
  const mlp_matrix* matrix;
  const float* x;
  int64_t ldx;
  int32_t batch;
  void* workspace;
  float* y;
  int64_t ldy;
  int32_t parts;
  std::atomic<int32_t> status{MLP_OK};
};

void prepare_part(void* data, size_t part) {
  Pass& p = *static_cast<Pass*>(data);
  int32_t status =
      mlp_prepare_part(p.matrix, p.x, p.ldx, p.batch, p.workspace, static_cast<int32_t>(part), p.parts);
  if (status != MLP_OK) p.status = status;
}

void run_part(void* data, size_t part) {
  Pass& p = *static_cast<Pass*>(data);
  int32_t status = mlp_run_part(p.matrix, p.workspace, p.batch, p.y, p.ldy, static_cast<int32_t>(part), p.parts);
  if (status != MLP_OK) p.status = status;
}

OrtStatus* share(const OrtKernelContext* context, void (*work)(void*, size_t), Pass& pass) {
  if (pass.parts == 1) {
    work(&pass, 0);
    return nullptr;
  }
  size_t parts = static_cast<size_t>(pass.parts);
  return g_api->KernelContext_ParallelFor(context, work, parts, parts, &pass);
}

OrtStatus* multiply(const OrtKernelContext* context, const Packed& kernel, const float* x, int64_t count, float* y) {
  int64_t columns = kernel.info.columns, rows = kernel.info.rows;
  int64_t threads = std::max(1u, std::thread::hardware_concurrency());
  for (int64_t start = 0; start < count; start += kRowsPerPass) {
    auto batch = static_cast<int32_t>(std::min(kRowsPerPass, count - start));
    int64_t bytes = 0;
    if (mlp_workspace_bytes(kernel.matrix, batch, &bytes) != MLP_OK) return fail(ORT_FAIL, mlp_last_error());
    thread_local Room room;  // kept between calls
    void* workspace = room.floats(bytes / static_cast<int64_t>(sizeof(float)) + 1);
    if (!workspace) return fail(ORT_FAIL, "SparseMatMul: out of memory");

    Pass pass{kernel.matrix, x + start * columns, columns, batch, workspace, y + start * rows, rows, 1};
    int64_t input_bytes = batch * columns * static_cast<int64_t>(sizeof(float));
    pass.parts = static_cast<int32_t>(std::clamp<int64_t>(input_bytes / kBytesPerPart, 1, threads));
    if (OrtStatus* status = share(context, prepare_part, pass)) return status;
    int64_t work_bytes = std::max<int64_t>(kernel.info.bytes, kernel.info.kept * batch);
    pass.parts = static_cast<int32_t>(std::clamp<int64_t>(work_bytes / kBytesPerPart, 1, threads));
    if (OrtStatus* status = share(context, run_part, pass)) return status;
    if (pass.status != MLP_OK) return fail(ORT_FAIL, "SparseMatMul: a part of the product failed");
  }
  return nullptr;
}

OrtStatus* ORT_API_CALL compute(void* data, OrtKernelContext* context) {
  const Packed& kernel = *static_cast<Packed*>(data);
  const OrtValue* input = nullptr;
  if (OrtStatus* status = g_api->KernelContext_GetInput(context, 0, &input)) return status;
  OrtTensorTypeAndShapeInfo* shape = nullptr;
  if (OrtStatus* status = g_api->GetTensorTypeAndShape(input, &shape)) return status;
  size_t rank = 0;
  int64_t dimensions[kMaxDimensions] = {};
  OrtStatus* status = g_api->GetDimensionsCount(shape, &rank);
  if (!status && rank >= 1 && rank <= kMaxDimensions) status = g_api->GetDimensions(shape, dimensions, rank);
  g_api->ReleaseTensorTypeAndShapeInfo(shape);
  if (status) return status;
  if (rank < 1 || rank > kMaxDimensions || dimensions[rank - 1] != kernel.info.columns)
    return fail(ORT_INVALID_ARGUMENT, "SparseMatMul: the last dimension of x is not the matrix's number of columns");

  int64_t count = 1;
  for (size_t i = 0; i + 1 < rank; ++i) count *= dimensions[i];
  dimensions[rank - 1] = kernel.info.rows;
  OrtValue* output = nullptr;
  if (OrtStatus* s = g_api->KernelContext_GetOutput(context, 0, dimensions, rank, &output)) return s;
  void *x = nullptr, *y = nullptr;
  if (OrtStatus* s = g_api->GetTensorMutableData(const_cast<OrtValue*>(input), &x)) return s;
  if (OrtStatus* s = g_api->GetTensorMutableData(output, &y)) return s;
  return multiply(context, kernel, static_cast<const float*>(x), count, static_cast<float*>(y));
}

OrtCustomOp make_operator() {
  OrtCustomOp op = basic_operator();
  op.GetName = [](const OrtCustomOp*) { return "SparseMatMul"; };
  op.GetInputTypeCount = [](const OrtCustomOp*) -> size_t { return 2; };
  op.GetInputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.CreateKernelV2 = create;
  op.KernelComputeV2 = compute;
  op.KernelDestroy = destroy;
  return op;
}

}  // namespace

namespace mlp_onnx {

OrtCustomOp basic_operator() {
  OrtCustomOp op{};
  op.version = kOrtApi;
  op.GetExecutionProviderType = [](const OrtCustomOp*) { return "CPUExecutionProvider"; };
  op.GetInputType = [](const OrtCustomOp*, size_t index) {
    return index == 1 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  };
  op.GetOutputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
  op.GetOutputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
  op.GetOutputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
  op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 1; };
  op.GetStartVersion = [](const OrtCustomOp*) { return 1; };
  op.GetEndVersion = [](const OrtCustomOp*) { return INT32_MAX; };
  return op;
}

}  // namespace mlp_onnx

// What ONNX Runtime calls in a library of operators.
extern "C" MLP_API OrtStatus* ORT_API_CALL RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
  static std::mutex mutex;
  static const OrtCustomOp op = make_operator();
  static OrtCustomOpDomain* domain = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  g_api = base->GetApi(kOrtApi);
  if (!g_api) return base->GetApi(1)->CreateStatus(ORT_FAIL, "The operators of mlpruning need ONNX Runtime 1.17");
  if (!domain) {
    if (OrtStatus* status = g_api->CreateCustomOpDomain("mlpruning", &domain)) return status;
    if (OrtStatus* status = g_api->CustomOpDomain_Add(domain, &op)) return status;
    if (OrtStatus* status = g_api->CustomOpDomain_Add(domain, conv_operator())) return status;
    if (OrtStatus* status = g_api->CustomOpDomain_Add(domain, points_operator())) return status;
  }
  return g_api->AddCustomOpDomain(options, domain);
}
