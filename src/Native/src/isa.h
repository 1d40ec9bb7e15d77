// Which instruction sets this machine has, and which one is in use.
#pragma once

#include "kernels/kernels.h"

namespace mlp {

const char* isa_name(int isa);
bool isa_supported(int isa);

// The kernels in use; null, with this thread's last error set, if MLPRUNING_ISA asks for what cannot be had.
const Kernels* current_kernels();
bool current_isa(int* isa);
void select_isa(int isa);

// Runs these instead until null is given; for tests.
void replace_kernels(const Kernels* kernels);

}  // namespace mlp
