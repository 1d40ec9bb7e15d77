#include "errors.h"

#include <cstdarg>
#include <cstdio>

namespace mlp {

static thread_local char t_text[256];

int32_t fail(int32_t status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(t_text, sizeof t_text, format, arguments);
  va_end(arguments);
  return status;
}

const char* last_error() { return t_text; }

}  // namespace mlp
