// The ONNX Runtime operator mlpruning.SparseConv: ONNX's Conv with one group over images [N, C, H, W] (or signals
// [N, C, W]), its weights packed as a CSR matrix [M, C kH kW], constant uint8 [bytes], and perhaps a bias
// [M]. Attributes: kernel_shape, strides, dilations, pads (all heights before all widths, as in
// ONNX), same (1: SAME_UPPER, 2: SAME_LOWER), and the element-wise steps that follow (onnx_points.h).
#include <algorithm>
#include <atomic>
#include <new>
#include <optional>
#include <thread>

#include "convolution.h"
#include "isa.h"
#include "onnx_operator.h"
#include "onnx_points.h"

namespace mlp_onnx {

namespace {

struct Conv {
  std::optional<mlp::Convolution> weights;
  mlp::ConvShape shape;
  int64_t rank = 0;  // of the image: 1 or 2
  int64_t pads[4] = {};
  int64_t same = 0;
  Points points;
};

// The numbers of an attribute into the last places of `to`; an attribute that is left out changes nothing.
OrtStatus* read(const OrtApi* api, const OrtKernelInfo* info, const char* name, int64_t* to, size_t most, size_t* count) {
  int64_t values[4];
  *count = 4;
  if (OrtStatus* status = api->KernelInfoGetAttributeArray_int64(info, name, values, count)) {
    api->ReleaseStatus(status);
    *count = 0;
    return nullptr;
  }
  if (*count > most) return fail(ORT_INVALID_GRAPH, "SparseConv: an attribute has too many numbers");
  std::copy_n(values, *count, to + (most - *count));
  return nullptr;
}

OrtStatus* read_attributes(const OrtApi* api, const OrtKernelInfo* info, Conv* conv, const Packed& packed) {
  size_t count = 0, pads = 0;
  mlp::ConvShape& shape = conv->shape;
  if (OrtStatus* status = read(api, info, "kernel_shape", shape.kernel, 2, &count)) return status;
  conv->rank = static_cast<int64_t>(count);
  if (OrtStatus* status = read(api, info, "strides", shape.strides, 2, &count)) return status;
  if (OrtStatus* status = read(api, info, "dilations", shape.dilations, 2, &count)) return status;
  if (OrtStatus* status = read(api, info, "pads", conv->pads, 4, &pads)) return status;
  if (pads == 2) {  // of a signal: [left, right] to [0, left, 0, right]
    conv->pads[1] = conv->pads[2];
    conv->pads[2] = 0;
  }
  if (OrtStatus* status = api->KernelInfoGetAttribute_int64(info, "same", &conv->same)) return status;
  bool legal = (conv->rank == 1 || conv->rank == 2) && packed.info.format == MLP_CSR;
  for (int i = 0; i < 2; i++) legal = legal && shape.kernel[i] > 0 && shape.strides[i] > 0 && shape.dilations[i] > 0;
  for (const int64_t pad : conv->pads) legal = legal && pad >= 0;
  if (!legal || packed.info.columns % (shape.kernel[0] * shape.kernel[1]) != 0)
    return fail(ORT_INVALID_GRAPH, "SparseConv: the attributes do not fit each other or the packed matrix");
  return conv->points.read(api, info);
}

OrtStatus* ORT_API_CALL create(const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info, void** result) try {
  Packed packed;
  auto conv = std::make_unique<Conv>();
  if (OrtStatus* status = open_packed(api, info, &packed)) return status;
  if (OrtStatus* status = read_attributes(api, info, conv.get(), packed)) return status;
  conv->weights.emplace(*packed.matrix, conv->shape);
  *result = conv.release();
  return nullptr;
} catch (const std::bad_alloc&) {
  return fail(ORT_FAIL, "SparseConv: out of memory");
}

void ORT_API_CALL destroy(void* kernel) { delete static_cast<Conv*>(kernel); }

// One image.
struct Pass {
  const mlp::Convolution& weights;
  const mlp::Kernels& kernels;
  mlp::ConvFrame frame;
  mlp::PointSteps steps;
  const float* bias;
  const float* x;
  float* y;
  float* copied;
  const float* framed;
  size_t parts;
  std::atomic<bool> failed{false};
};

void copy_part(void* data, size_t part) {
  Pass& p = *static_cast<Pass*>(data);
  const int64_t channels = p.weights.channels(), count = static_cast<int64_t>(p.parts), i = static_cast<int64_t>(part);
  p.weights.copy(p.frame, p.x, 0, channels * i / count, channels * (i + 1) / count, p.copied);
}

float* scratch_of(Pass& p) {
  thread_local Room room;
  float* scratch = room.floats(p.weights.scratch_floats());
  if (scratch == nullptr) p.failed = true;
  return scratch;
}

// A block of the only strip.
void run_block(void* data, size_t part) {
  Pass& p = *static_cast<Pass*>(data);
  if (float* scratch = scratch_of(p))
    p.weights.run(p.kernels, p.frame, p.framed, 0, static_cast<int64_t>(part), p.bias, p.steps, p.y, scratch);
}

// One of several strips.
void run_strip(void* data, size_t part) {
  thread_local Room room;
  Pass& p = *static_cast<Pass*>(data);
  const auto strip = static_cast<int64_t>(part);
  float *framed = room.floats(p.weights.framed_floats(p.frame)), *scratch = scratch_of(p);
  if (framed == nullptr || scratch == nullptr) {
    p.failed = true;
    return;
  }
  p.weights.copy(p.frame, p.x, strip, 0, p.weights.channels(), framed);
  for (int64_t block = 0; block < p.frame.blocks(strip); block++)
    p.weights.run(p.kernels, p.frame, framed, strip, block, p.bias, p.steps, p.y, scratch);
}

OrtStatus* share(const OrtKernelContext* context, void (*work)(void*, size_t), Pass& pass, int64_t parts) {
  pass.parts = static_cast<size_t>(parts);
  if (parts > 1) return g_api->KernelContext_ParallelFor(context, work, pass.parts, pass.parts, &pass);
  work(&pass, 0);
  return nullptr;
}

OrtStatus* run(const OrtKernelContext* context, Pass& pass) {
  if (pass.frame.strips > 1) return share(context, run_strip, pass, pass.frame.strips);
  thread_local Room room;
  if (pass.frame.plain) {
    pass.framed = pass.x;
  } else {
    const int64_t floats = pass.weights.framed_floats(pass.frame);
    pass.copied = room.floats(floats);
    if (pass.copied == nullptr) return fail(ORT_FAIL, "SparseConv: out of memory");
    if (OrtStatus* status = share(context, copy_part, pass, parts_of(floats))) return status;
    pass.framed = pass.copied;
  }
  return share(context, run_block, pass, pass.frame.blocks(0));
}

// The size of the output along one side, and the padding before it.
int64_t out_size(const Conv& c, int side, int64_t size, int64_t* before) {
  const int64_t stride = c.shape.strides[side], reach = (c.shape.kernel[side] - 1) * c.shape.dilations[side] + 1;
  if (c.same != 0) {
    const int64_t out = (size + stride - 1) / stride, all = std::max<int64_t>(0, (out - 1) * stride + reach - size);
    *before = c.same == 1 ? all / 2 : all - all / 2;
    return out;
  }
  *before = c.pads[side];
  const int64_t room = size + c.pads[side] + c.pads[side + 2] - reach;
  return room < 0 ? 0 : room / stride + 1;
}

OrtStatus* ORT_API_CALL compute(void* data, OrtKernelContext* context) try {
  const Conv& c = *static_cast<Conv*>(data);
  const mlp::Convolution& weights = *c.weights;
  const mlp::Kernels* kernels = mlp::current_kernels();
  if (kernels == nullptr) return fail(ORT_FAIL, mlp_last_error());
  Tensor image, bias;
  if (OrtStatus* status = image.read(context, 0)) return status;
  if (OrtStatus* status = bias.read(context, 2)) return status;
  if (bias.data != nullptr && (bias.rank != 1 || bias.shape[0] != weights.rows()))
    return fail(ORT_INVALID_ARGUMENT, "SparseConv: the bias does not have one number a channel");
  if (static_cast<int64_t>(image.rank) != c.rank + 2 || image.shape[1] != weights.channels())
    return fail(ORT_INVALID_ARGUMENT, "SparseConv: the image does not have the dimensions that the weights expect");

  const int64_t height = c.rank == 2 ? image.shape[2] : 1, width = image.shape[image.rank - 1], images = image.shape[0];
  int64_t before[2];
  const int64_t out_height = out_size(c, 0, height, &before[0]), out_width = out_size(c, 1, width, &before[1]);
  if (out_height < 1 || out_width < 1)
    return fail(ORT_INVALID_ARGUMENT, "SparseConv: the kernel is larger than the padded image");
  int64_t shape[4] = {images, weights.rows(), out_height, out_width};
  shape[image.rank - 1] = out_width;
  float* y = nullptr;
  if (OrtStatus* status = output(context, shape, image.rank, &y)) return status;

  const int64_t threads = std::max(1u, std::thread::hardware_concurrency());
  Pass pass{weights, *kernels, weights.frame(height, width, out_height, out_width, before, threads), c.points.steps(),
            bias.data, image.data, y, nullptr, nullptr, 1};
  for (int64_t i = 0; i < images; i++) {
    if (OrtStatus* status = run(context, pass)) return status;
    pass.x += weights.channels() * height * width;
    pass.y += weights.rows() * pass.frame.pixels();
  }
  return pass.failed ? fail(ORT_FAIL, "SparseConv: out of memory") : nullptr;
} catch (const std::bad_alloc&) {
  return fail(ORT_FAIL, "SparseConv: out of memory");
}

}  // namespace

const OrtCustomOp* conv_operator() {
  static const OrtCustomOp conv = [] {
    OrtCustomOp op = basic_operator();
    op.GetName = [](const OrtCustomOp*) { return "SparseConv"; };
    op.GetInputTypeCount = [](const OrtCustomOp*) -> size_t { return 3; };
    op.GetInputCharacteristic = [](const OrtCustomOp*, size_t index) {
      return index == 2 ? INPUT_OUTPUT_OPTIONAL : INPUT_OUTPUT_REQUIRED;
    };
    op.CreateKernelV2 = create;
    op.KernelComputeV2 = compute;
    op.KernelDestroy = destroy;
    return op;
  }();
  return &conv;
}

}  // namespace mlp_onnx
