#define MLP_TARGET target_avx2
#include "isa_avx2.h"
#include "table.h"

namespace mlp {

const Kernels& avx2_kernels() {
  static const Kernels table = target_avx2::make_table<target_avx2::Isa>();
  return table;
}

}  // namespace mlp
