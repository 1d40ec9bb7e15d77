#define MLP_TARGET target_amx
#include "isa_avx512.h"
#include "table.h"

namespace mlp {

const Kernels& amx_kernels() {
  static const Kernels table = target_amx::make_table<target_amx::Isa>();
  return table;
}

}  // namespace mlp
