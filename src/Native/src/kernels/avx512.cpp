#define MLP_TARGET target_avx512
#include "isa_avx512.h"
#include "table.h"

namespace mlp {

const Kernels& avx512_kernels() {
  static const Kernels table = target_avx512::make_table<target_avx512::Isa>();
  return table;
}

}  // namespace mlp
