// Life time, shape and memory of a tensor: what is asked too often to go through the dispatcher.
#include "shim.h"

#include <algorithm>

using at::Tensor;
using shim::tensor;

TS_API void ts_free(Tensor* t) { delete t; }

TS_API Tensor* ts_alias(const void* t) {
  return shim::guard<Tensor*>(nullptr, [&] { return new Tensor(tensor(t, "self")); });
}

TS_API int64_t ts_dim(const void* t) {
  return shim::guard<int64_t>(-1, [&] { return tensor(t, "self").dim(); });
}

// Writes sizes and strides; `capacity` is the length of both buffers.
TS_API int32_t ts_geometry(const void* t, int64_t* sizes, int64_t* strides, int32_t capacity) {
  return shim::guard<int32_t>(-1, [&] {
    const Tensor& x = tensor(t, "self");
    TORCH_CHECK(x.dim() <= capacity, "a tensor of ", x.dim(), " dimensions does not fit a buffer of ", capacity);
    std::copy(x.sizes().begin(), x.sizes().end(), sizes);
    std::copy(x.strides().begin(), x.strides().end(), strides);
    return 0;
  });
}

TS_API int32_t ts_dtype(const void* t) {
  return shim::guard<int32_t>(-1, [&] { return static_cast<int32_t>(tensor(t, "self").scalar_type()); });
}

TS_API int32_t ts_device(const void* t, int32_t* index) {
  return shim::guard<int32_t>(-1, [&] {
    c10::Device device = tensor(t, "self").device();
    *index = device.index();
    return static_cast<int32_t>(device.type());
  });
}

TS_API int64_t ts_itemsize(const void* t) {
  return shim::guard<int64_t>(-1, [&] { return static_cast<int64_t>(tensor(t, "self").itemsize()); });
}

// The first element; *data is null for an empty tensor.
TS_API int32_t ts_data(const void* t, void** data) {
  return shim::guard<int32_t>(-1, [&] {
    *data = tensor(t, "self").data_ptr();
    return 0;
  });
}

TS_API int32_t ts_is_contiguous(const void* t) {
  return shim::guard<int32_t>(-1, [&] { return tensor(t, "self").is_contiguous() ? 1 : 0; });
}
