// Gradients: flags, modes and the backward engine.
#include "shim.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

using at::Tensor;
using shim::tensor;
using torch::autograd::variable_list;

namespace {
variable_list list(void** handles, int32_t count) {
  TORCH_CHECK(count >= 0, "a list of tensors has the negative length ", count);
  variable_list result;
  result.reserve(count);
  for (int32_t i = 0; i < count; i++) {
    result.push_back(handles[i] ? *static_cast<Tensor*>(handles[i]) : Tensor());
  }
  return result;
}
}  // namespace

TS_API int32_t ts_requires_grad(const void* t) {
  return shim::guard<int32_t>(-1, [&] { return tensor(t, "self").requires_grad() ? 1 : 0; });
}

TS_API int32_t ts_set_requires_grad(const void* t, int32_t value) {
  return shim::guard<int32_t>(-1, [&] {
    tensor(t, "self").set_requires_grad(value != 0);
    return 0;
  });
}

TS_API int32_t ts_is_leaf(const void* t) {
  return shim::guard<int32_t>(-1, [&] { return tensor(t, "self").is_leaf() ? 1 : 0; });
}

TS_API int32_t ts_retain_grad(const void* t) {
  return shim::guard<int32_t>(-1, [&] {
    tensor(t, "self").retain_grad();
    return 0;
  });
}

TS_API int32_t ts_grad(const void* t, Tensor** grad) {
  return shim::guard<int32_t>(-1, [&] {
    *grad = shim::handle(tensor(t, "self").grad());
    return 0;
  });
}

TS_API int32_t ts_set_grad(const void* t, void* grad) {
  return shim::guard<int32_t>(-1, [&] {
    const Tensor& self = tensor(t, "self");
    if (!grad) {
      self.mutable_grad() = Tensor();
      return 0;
    }
    self.mutable_grad() = tensor(grad, "grad"); // unchecked, as TorchSharp does
    return 0;
  });
}

TS_API int32_t ts_grad_mode() { return at::GradMode::is_enabled() ? 1 : 0; }

TS_API void ts_set_grad_mode(int32_t on) { at::GradMode::set_enabled(on != 0); }

TS_API int32_t ts_inference_mode() { return c10::InferenceMode::is_enabled() ? 1 : 0; }

// Enters inference mode (or leaves it for a nested region); the result goes to ts_inference_exit on the same thread.
TS_API void* ts_inference_enter(int32_t on) {
  return shim::guard<void*>(nullptr, [&] { return new c10::InferenceMode(on != 0); });
}

TS_API void ts_inference_exit(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

// retain: 0 = no, 1 = yes, -1 = what libtorch does by default (the value of create).
TS_API int32_t ts_backward(void** outputs, int32_t output_count, void** grads, int32_t grad_count, int32_t retain,
                           int32_t create, void** inputs, int32_t input_count) {
  return shim::guard<int32_t>(-1, [&] {
    c10::optional<bool> keep = retain < 0 ? c10::nullopt : c10::optional<bool>(retain != 0);
    torch::autograd::backward(list(outputs, output_count), list(grads, grad_count), keep, create != 0,
                              list(inputs, input_count));
    return 0;
  });
}

// Writes one handle (or null) per input to `results`.
TS_API int32_t ts_autograd_grad(void** outputs, int32_t output_count, void** inputs, int32_t input_count, void** grads,
                                int32_t grad_count, int32_t retain, int32_t create, int32_t allow_unused,
                                Tensor** results) {
  return shim::guard<int32_t>(-1, [&] {
    variable_list found =
        torch::autograd::grad(list(outputs, output_count), list(inputs, input_count), list(grads, grad_count),
                              retain != 0, create != 0, allow_unused != 0);
    TORCH_CHECK(found.size() == static_cast<size_t>(input_count), "autograd returned ", found.size(), " gradients for ",
                input_count, " inputs");
    for (size_t i = 0; i < found.size(); i++) results[i] = shim::handle(found[i]);
    return 0;
  });
}
