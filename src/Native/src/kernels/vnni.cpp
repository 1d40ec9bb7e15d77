#define MLP_TARGET target_vnni
#include "isa_avx512.h"
#include "table.h"

namespace mlp {

const Kernels& vnni_kernels() {
  static const Kernels table = target_vnni::make_table<target_vnni::Isa>();
  return table;
}

}  // namespace mlp
