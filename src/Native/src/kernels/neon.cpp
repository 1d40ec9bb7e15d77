#define MLP_TARGET target_neon
#include "isa_neon.h"
#include "table.h"

namespace mlp {

const Kernels& neon_kernels() {
  static const Kernels table = target_neon::make_table<target_neon::Isa>();
  return table;
}

}  // namespace mlp
