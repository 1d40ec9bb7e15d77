#define MLP_TARGET target_amx
#include "kernels.h"

namespace mlp {

const Kernels& amx_kernels() { return vnni_kernels(); }

}  // namespace mlp
