// The text of this thread's last failure.
#pragma once

#include <cstdint>

namespace mlp {

// printf-like; keeps the text for mlp_last_error and returns `status`.
int32_t fail(int32_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));

const char* last_error();

}  // namespace mlp
