// The ONNX Runtime operator mlpruning.SparseConv: ONNX's Conv with one group over images [N, C, H, W] (or signals
// [N, C, W]), its weights packed as a matrix [M, C kH kW], constant uint8 [bytes], and perhaps a bias [M]. Attributes:
// kernel_shape, strides, dilations, pads (all heights before all widths, as in ONNX), same (1: SAME_UPPER, 2: SAME_LOWER).
// Each part of the work takes some pixels through all of the weights.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <thread>

#include "onnx_operator.h"

namespace mlp_onnx {

namespace {

constexpr int64_t kBlock = 64;                 // pixels that the kernels take at a time
constexpr int64_t kMostPixels = 1024;          // of a part
constexpr int64_t kPatchFloats = 512 * 1024;   // of a part, about: what stays in a cache

struct Conv {
  Packed weights;
  int64_t rank = 0;  // of the image: 1 or 2
  int64_t kernel[2] = {1, 1}, strides[2] = {1, 1}, dilations[2] = {1, 1}, pads[4] = {};
  int64_t same = 0;
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

OrtStatus* read_attributes(const OrtApi* api, const OrtKernelInfo* info, Conv* conv) {
  size_t count = 0, pads = 0;
  if (OrtStatus* status = read(api, info, "kernel_shape", conv->kernel, 2, &count)) return status;
  conv->rank = static_cast<int64_t>(count);
  if (OrtStatus* status = read(api, info, "strides", conv->strides, 2, &count)) return status;
  if (OrtStatus* status = read(api, info, "dilations", conv->dilations, 2, &count)) return status;
  if (OrtStatus* status = read(api, info, "pads", conv->pads, 4, &pads)) return status;
  if (pads == 2) {  // of a signal: [left, right] to [0, left, 0, right]
    conv->pads[1] = conv->pads[2];
    conv->pads[2] = 0;
  }
  if (OrtStatus* status = api->KernelInfoGetAttribute_int64(info, "same", &conv->same)) return status;
  bool legal = conv->rank == 1 || conv->rank == 2;
  for (int i = 0; i < 2; i++) legal = legal && conv->kernel[i] > 0 && conv->strides[i] > 0 && conv->dilations[i] > 0;
  for (const int64_t pad : conv->pads) legal = legal && pad >= 0;
  if (!legal || conv->weights.info.columns % (conv->kernel[0] * conv->kernel[1]) != 0)
    return fail(ORT_INVALID_GRAPH, "SparseConv: the attributes do not fit each other or the packed matrix");
  return nullptr;
}

OrtStatus* ORT_API_CALL create(const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info, void** result) {
  std::unique_ptr<Conv> conv(new (std::nothrow) Conv());
  if (!conv) return fail(ORT_FAIL, "SparseConv: out of memory");
  if (OrtStatus* status = open_packed(api, info, &conv->weights)) return status;
  if (OrtStatus* status = read_attributes(api, info, conv.get())) return status;
  *result = conv.release();
  return nullptr;
}

void ORT_API_CALL destroy(void* kernel) { delete static_cast<Conv*>(kernel); }

// One run.
struct Pass {
  const Conv* conv;
  const float* x;
  const float* bias;
  float* y;
  int64_t channels, height, width, out_height, out_width;
  int64_t pads[2];  // above and left
  int64_t tile, tiles;
  std::atomic<int32_t> status{MLP_OK};

  int64_t pixels() const { return out_height * out_width; }
  bool is_plain() const {
    const Conv& c = *conv;
    return c.kernel[0] * c.kernel[1] == 1 && c.strides[0] * c.strides[1] == 1 && out_height == height &&
           out_width == width;
  }
};

float* patches_of(int64_t count) {
  thread_local Buffer buffer;
  thread_local int64_t size = 0;
  if (count > size) {
    buffer = allocate(count * static_cast<int64_t>(sizeof(float)));
    size = buffer ? count : 0;
  }
  return static_cast<float*>(buffer.get());
}

// What one element of the kernel sees at the pixels first to first + count of an image's channel.
void gather(const Pass& p, const float* channel, int64_t row, int64_t column, int64_t first, int64_t count, float* out) {
  const Conv& c = *p.conv;
  const int64_t step = c.strides[1], shift = column * c.dilations[1] - p.pads[1];
  for (int64_t at = 0; at < count;) {
    const int64_t oy = (first + at) / p.out_width, begin = (first + at) % p.out_width;
    const int64_t end = std::min(p.out_width, begin + count - at);
    const int64_t y = oy * c.strides[0] + row * c.dilations[0] - p.pads[0];
    const float* line = channel + y * p.width;
    float* to = out + at - begin;
    at += end - begin;
    if (y < 0 || y >= p.height) {
      std::fill(to + begin, to + end, 0.0f);
      continue;
    }
    // x = ox * step + shift lies inside from `low` up to `high`.
    const int64_t low = std::clamp(shift < 0 ? (-shift + step - 1) / step : 0, begin, end);
    const int64_t high = std::clamp(p.width > shift ? (p.width - shift + step - 1) / step : 0, low, end);
    std::fill(to + begin, to + low, 0.0f);
    if (step == 1) std::copy(line + low + shift, line + high + shift, to + low);
    else
      for (int64_t ox = low; ox < high; ox++) to[ox] = line[ox * step + shift];
    std::fill(to + high, to + end, 0.0f);
  }
}

void run_part(void* data, size_t part) {
  Pass& p = *static_cast<Pass*>(data);
  const Conv& c = *p.conv;
  const int64_t image = static_cast<int64_t>(part) / p.tiles, first = static_cast<int64_t>(part) % p.tiles * p.tile;
  const int64_t pixels = p.pixels(), count = std::min(p.tile, pixels - first), rows = c.weights.info.rows;
  const float* x = p.x + image * p.channels * p.height * p.width;
  float* y = p.y + image * rows * pixels + first;
  int64_t ldx = pixels;
  if (p.is_plain()) {
    x += first;
  } else {
    float* patches = patches_of(c.weights.info.columns * count);
    if (patches == nullptr) {
      p.status = MLP_OUT_OF_MEMORY;
      return;
    }
    float* to = patches;
    for (int64_t channel = 0; channel < p.channels; channel++)
      for (int64_t row = 0; row < c.kernel[0]; row++)
        for (int64_t column = 0; column < c.kernel[1]; column++, to += count)
          gather(p, x + channel * p.height * p.width, row, column, first, count, to);
    x = patches;
    ldx = count;
  }

  const int32_t status = mlp_run_columns(c.weights.matrix, x, ldx, static_cast<int32_t>(count), y, pixels);
  if (status != MLP_OK) p.status = status;
  if (p.bias == nullptr) return;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t i = 0; i < count; i++) y[row * pixels + i] += p.bias[row];
}

// The size of the output along one side, and the padding before it.
int64_t out_size(const Conv& c, int side, int64_t size, int64_t* before) {
  const int64_t reach = (c.kernel[side] - 1) * c.dilations[side] + 1, stride = c.strides[side];
  if (c.same != 0) {
    const int64_t out = (size + stride - 1) / stride, all = std::max<int64_t>(0, (out - 1) * stride + reach - size);
    *before = c.same == 1 ? all / 2 : all - all / 2;
    return out;
  }
  *before = c.pads[side];
  return (size + c.pads[side] + c.pads[side + 2] - reach) / stride + 1;
}

OrtStatus* data_of(const OrtKernelContext* context, size_t index, const OrtValue** value, const float** data) {
  *value = nullptr;
  *data = nullptr;
  if (OrtStatus* status = g_api->KernelContext_GetInput(context, index, value)) return status;
  if (*value == nullptr) return nullptr;
  void* memory = nullptr;
  if (OrtStatus* status = g_api->GetTensorMutableData(const_cast<OrtValue*>(*value), &memory)) return status;
  *data = static_cast<const float*>(memory);
  return nullptr;
}

OrtStatus* shape_of(const OrtValue* value, int64_t* dimensions, size_t* rank) {
  OrtTensorTypeAndShapeInfo* shape = nullptr;
  if (OrtStatus* status = g_api->GetTensorTypeAndShape(value, &shape)) return status;
  OrtStatus* status = g_api->GetDimensionsCount(shape, rank);
  if (!status && *rank <= 4) status = g_api->GetDimensions(shape, dimensions, *rank);
  g_api->ReleaseTensorTypeAndShapeInfo(shape);
  return status;
}

OrtStatus* ORT_API_CALL compute(void* data, OrtKernelContext* context) {
  const Conv& c = *static_cast<Conv*>(data);
  Pass pass{};
  pass.conv = &c;
  const OrtValue *input = nullptr, *bias = nullptr;
  size_t count = 0;
  if (OrtStatus* status = g_api->KernelContext_GetInputCount(context, &count)) return status;
  if (OrtStatus* status = data_of(context, 0, &input, &pass.x)) return status;
  if (count > 2)
    if (OrtStatus* status = data_of(context, 2, &bias, &pass.bias)) return status;
  int64_t size[4] = {};
  size_t rank = 0;
  if (bias != nullptr) {
    if (OrtStatus* status = shape_of(bias, size, &rank)) return status;
    if (rank != 1 || size[0] != c.weights.info.rows)
      return fail(ORT_INVALID_ARGUMENT, "SparseConv: the bias does not have one number a channel");
  }
  if (OrtStatus* status = shape_of(input, size, &rank)) return status;
  pass.channels = c.weights.info.columns / (c.kernel[0] * c.kernel[1]);
  if (static_cast<int64_t>(rank) != c.rank + 2 || size[1] != pass.channels)
    return fail(ORT_INVALID_ARGUMENT, "SparseConv: the image does not have the dimensions that the weights expect");

  pass.height = c.rank == 2 ? size[2] : 1;
  pass.width = size[rank - 1];
  pass.out_height = out_size(c, 0, pass.height, &pass.pads[0]);
  pass.out_width = out_size(c, 1, pass.width, &pass.pads[1]);
  if (pass.out_height < 1 || pass.out_width < 1)
    return fail(ORT_INVALID_ARGUMENT, "SparseConv: the kernel is larger than the padded image");
  const int64_t images = size[0];
  size[1] = c.weights.info.rows;
  if (c.rank == 2) size[2] = pass.out_height;
  size[rank - 1] = pass.out_width;
  OrtValue* output = nullptr;
  if (OrtStatus* status = g_api->KernelContext_GetOutput(context, 0, size, rank, &output)) return status;
  void* y = nullptr;
  if (OrtStatus* status = g_api->GetTensorMutableData(output, &y)) return status;
  pass.y = static_cast<float*>(y);
  if (images == 0) return nullptr;

  // Large enough that unpacking pays, small enough that each thread has some.
  const int64_t threads = std::max(1u, std::thread::hardware_concurrency());
  const int64_t share = (pass.pixels() * images + threads - 1) / threads;
  const int64_t most = std::clamp(kPatchFloats / c.weights.info.columns, kBlock, kMostPixels);
  pass.tile = std::max((std::min(share, most) + kBlock - 1) / kBlock * kBlock, kBlock);
  pass.tiles = (pass.pixels() + pass.tile - 1) / pass.tile;
  const auto parts = static_cast<size_t>(pass.tiles * images);
  if (parts == 1) run_part(&pass, 0);
  else if (OrtStatus* status = g_api->KernelContext_ParallelFor(context, run_part, parts, parts, &pass)) return status;
  return pass.status == MLP_OK ? nullptr : fail(ORT_FAIL, "SparseConv: a part of the product failed");
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
