// AMX: what VNNI has, and tiles for large batches of int8 and bf16. With MLP_EMULATE_TILES this is the same code on tiles in
// plain C++, for the tests.
#if defined(MLP_EMULATE_TILES)
#define MLP_TARGET target_amx_emulated
#else
#define MLP_TARGET target_amx
#endif
#include "isa_avx512.h"

#include "amx_panel.h"

namespace mlp {
namespace MLP_TARGET {

static void prepare(const PrepareTask& task) {
  if (task.to.plan.tiles) prepare_tiles(task);
  else vnni_kernels().prepare(task);
}

static Kernels make_kernels() {
  Kernels table = vnni_kernels();
  table.int8_tiles = true;
  table.bf16_tiles = true;
  table.prepare = prepare;
  table.run[MLP_DENSE][MLP_INT8] = run_tiles<Isa, MLP_DENSE, MLP_INT8>;
  table.run[MLP_DENSE][MLP_BF16] = run_tiles<Isa, MLP_DENSE, MLP_BF16>;
  table.run[MLP_BITMASK][MLP_INT8] = run_tiles<Isa, MLP_BITMASK, MLP_INT8>;
  table.run[MLP_BITMASK][MLP_BF16] = run_tiles<Isa, MLP_BITMASK, MLP_BF16>;
  return table;
}

}  // namespace MLP_TARGET

#if defined(MLP_EMULATE_TILES)
const Kernels& emulated_amx_kernels() {
#else
const Kernels& amx_kernels() {
#endif
  static const Kernels table = MLP_TARGET::make_kernels();
  return table;
}

}  // namespace mlp
