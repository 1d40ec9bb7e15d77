#define MLP_TARGET target_scalar
#include "isa_scalar.h"
#include "table.h"

namespace mlp {

const Kernels& scalar_kernels() {
  static const Kernels table = target_scalar::make_table<target_scalar::Isa>();
  return table;
}

}  // namespace mlp
