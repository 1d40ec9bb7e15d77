#include "isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "errors.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace mlp {

namespace {

constexpr const char* kNames[MLP_ISA_COUNT] = {"scalar", "avx2", "avx512", "vnni", "amx", "neon"};

#if defined(__x86_64__)

struct Registers {
  uint32_t a, b, c, d;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r{};
  if (!__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d)) r = {};
  return r;
}

// The register states that the operating system saves.
uint64_t saved_states() {
  if (!(cpuid(1, 0).c >> 27 & 1)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

constexpr bool has(uint32_t value, uint32_t bits) { return (value & bits) == bits; }

bool permit_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

int detect() {
  const Registers one = cpuid(1, 0), seven = cpuid(7, 0);
  const uint64_t saved = saved_states();
  // FMA and POPCNT; AVX2 and BMI; the SSE and AVX states.
  if (!has(one.c, 1u << 12 | 1u << 23) || !has(seven.b, 1u << 5 | 1u << 3 | 1u << 8) || (saved & 6) != 6)
    return MLP_SCALAR;
  // F, DQ, BW, VL; mask and 512-bit states.
  if (!has(seven.b, 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) || (saved & 0xE0) != 0xE0) return MLP_AVX2;
  // VBMI, VBMI2, VNNI.
  if (!has(seven.c, 1u << 1 | 1u << 6 | 1u << 11)) return MLP_AVX512;
  // AMX-BF16, AMX-TILE, AMX-INT8; tile configuration and data.
  if (!has(seven.d, 1u << 22 | 1u << 24 | 1u << 25) || (saved >> 17 & 3) != 3 || !permit_tiles()) return MLP_VNNI;
  return MLP_AMX;
}

const Kernels& table_of(int isa) {
  switch (isa) {
    case MLP_AVX2: return avx2_kernels();
    case MLP_AVX512: return avx512_kernels();
    case MLP_VNNI: return vnni_kernels();
    case MLP_AMX: return amx_kernels();
    default: return scalar_kernels();
  }
}

#elif defined(__aarch64__)

int detect() { return MLP_NEON; }

const Kernels& table_of(int isa) { return isa == MLP_NEON ? neon_kernels() : scalar_kernels(); }

#else

int detect() { return MLP_SCALAR; }

const Kernels& table_of(int) { return scalar_kernels(); }

#endif

int best_isa() {
  static const int best = detect();
  return best;
}

constexpr int kUndecided = -1, kImpossible = -2;
std::atomic<int> g_selected{kUndecided};
std::atomic<const Kernels*> g_replacement{nullptr};

int decide() {
  const char* wanted = std::getenv("MLPRUNING_ISA");
  if (wanted == nullptr || *wanted == 0) return best_isa();
  for (int isa = 0; isa < MLP_ISA_COUNT; isa++)
    if (std::strcmp(wanted, kNames[isa]) == 0 && isa_supported(isa)) return isa;
  return kImpossible;
}

}  // namespace

const char* isa_name(int isa) { return isa >= 0 && isa < MLP_ISA_COUNT ? kNames[isa] : nullptr; }

// The x86 ones build on each other; every machine runs the scalar one.
bool isa_supported(int isa) {
  const int best = best_isa();
  return isa == MLP_SCALAR || isa == best || (isa > 0 && best <= MLP_AMX && isa < best);
}

bool current_isa(int* isa) {
  int selected = g_selected.load(std::memory_order_acquire);
  if (selected == kUndecided) {
    const int decided = decide();
    // Two threads decide alike, and a selection that came in between stays.
    if (g_selected.compare_exchange_strong(selected, decided)) selected = decided;
  }
  if (selected == kImpossible) {
    const char* wanted = std::getenv("MLPRUNING_ISA");
    fail(MLP_UNSUPPORTED, "MLPRUNING_ISA is '%.32s'; this machine takes up to '%s' (scalar, avx2, avx512, vnni, amx or neon).",
         wanted == nullptr ? "" : wanted, kNames[best_isa()]);
    return false;
  }
  *isa = selected;
  return true;
}

const Kernels* current_kernels() {
  if (const Kernels* replacement = g_replacement.load(std::memory_order_acquire)) return replacement;
  int isa;
  return current_isa(&isa) ? &table_of(isa) : nullptr;
}

void select_isa(int isa) { g_selected.store(isa, std::memory_order_release); }

void replace_kernels(const Kernels* kernels) { g_replacement.store(kernels, std::memory_order_release); }

}  // namespace mlp
