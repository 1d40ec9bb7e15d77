// Shared declarations of the C ABI between the TorchSharp stand-in and libtorch.
// No exception crosses the ABI: each entry point that can fail runs under guard() and reports through ts_error().
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <exception>
#include <string>

#define TS_API extern "C" __attribute__((visibility("default")))

namespace shim {

// The message of the last failure on this thread.
std::string& last_error();

// Runs f; on an exception stores its message and returns `failure`.
template <class R, class F>
R guard(R failure, F f) {
  try {
    return f();
  } catch (const c10::Error& e) {
    last_error() = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error() = e.what();
  } catch (...) {
    last_error() = "libtorch threw an exception of unknown type";
  }
  if (last_error().empty()) last_error() = "libtorch failed without a message";
  return failure;
}

// The tensor behind a handle; a null handle is an error, never a crash.
inline const at::Tensor& tensor(const void* handle, const char* what) {
  TORCH_CHECK(handle != nullptr, what, " is an empty tensor handle");
  return *static_cast<const at::Tensor*>(handle);
}

// A new handle, or null for an undefined tensor.
inline at::Tensor* handle(const at::Tensor& value) {
  return value.defined() ? new at::Tensor(value) : nullptr;
}

}  // namespace shim
