// Process-wide state: errors, random generators, thread counts.
#include "shim.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Generator.h>

#include <dlfcn.h>
#include <mutex>

using at::Generator;

namespace shim {
std::string& last_error() {
  static thread_local std::string message;
  return message;
}
}  // namespace shim

namespace {
// OpenBLAS keeps its own thread count beside ATen's.
template <class F>
F openblas(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
}

Generator& generator(void* handle) {
  TORCH_CHECK(handle != nullptr, "empty generator handle");
  return *static_cast<Generator*>(handle);
}
}  // namespace

TS_API const char* ts_error() { return shim::last_error().c_str(); }

TS_API int32_t ts_set_num_threads(int32_t count) {
  return shim::guard<int32_t>(-1, [&] {
    at::set_num_threads(count);
    if (auto set = openblas<void (*)(int)>("openblas_set_num_threads")) set(count);
    return 0;
  });
}

TS_API int32_t ts_get_num_threads() { return at::get_num_threads(); }

TS_API Generator* ts_generator_default() {
  return shim::guard<Generator*>(nullptr, [] { return new Generator(at::detail::getDefaultCPUGenerator()); });
}

TS_API Generator* ts_generator_new(uint64_t seed) {
  return shim::guard<Generator*>(nullptr, [&] { return new Generator(at::detail::createCPUGenerator(seed)); });
}

TS_API void ts_generator_free(Generator* g) { delete g; }

TS_API int32_t ts_generator_seed(void* g, int64_t seed) {
  return shim::guard<int32_t>(-1, [&] {
    std::lock_guard<std::mutex> lock(generator(g).mutex());
    generator(g).set_current_seed(static_cast<uint64_t>(seed));
    return 0;
  });
}

TS_API int32_t ts_generator_initial_seed(void* g, int64_t* seed) {
  return shim::guard<int32_t>(-1, [&] {
    std::lock_guard<std::mutex> lock(generator(g).mutex());
    *seed = static_cast<int64_t>(generator(g).current_seed());
    return 0;
  });
}

TS_API at::Tensor* ts_generator_get_state(void* g) {
  return shim::guard<at::Tensor*>(nullptr, [&] {
    std::lock_guard<std::mutex> lock(generator(g).mutex());
    return shim::handle(generator(g).get_state());
  });
}

TS_API int32_t ts_generator_set_state(void* g, const void* state) {
  return shim::guard<int32_t>(-1, [&] {
    std::lock_guard<std::mutex> lock(generator(g).mutex());
    generator(g).set_state(shim::tensor(state, "state"));
    return 0;
  });
}
