#define MLP_EMULATE_TILES
#include "kernels/amx.cpp"
