// Every kernel of every instruction set that this machine has, against the float64 oracle. Blobs, activations and results
// end at guard pages.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "guarded_memory.h"
#include "isa.h"
#include "oracle.h"

namespace mlp {
const Kernels& emulated_amx_kernels();
}

namespace {

constexpr const char* kFormats[] = {"dense", "bitmask", "block", "csr"};
constexpr const char* kTypes[] = {"f32", "bf16", "int8", "int4"};

// The AMX kernels with tiles in plain C++.
constexpr int kEmulatedAmx = MLP_ISA_COUNT;

struct Case {
  int isa, format, type;
};

class KernelTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().isa == kEmulatedAmx) replace();
    else ASSERT_EQ(MLP_OK, mlp_isa_select(GetParam().isa)) << mlp_last_error();
  }
  void TearDown() override { mlp::replace_kernels(nullptr); }

  // Runs batch after batch on one packed matrix.
  void check(int rows, int columns, double sparsity, std::initializer_list<int> batches, mlp_pool* pool = nullptr) {
    const auto [isa, format, type] = GetParam();
    const int block = format == MLP_BLOCK ? (type == MLP_F32 ? 1 : type == MLP_BF16 ? 2 : 4) : 0;
    const Matrix matrix = random_matrix(rows, columns, sparsity, block, rows * 131 + columns);
    const auto packed = pack(matrix, format, type);
    GuardedMemory<uint8_t> blob(packed.size(), 64);
    std::memcpy(blob.data(), packed.data(), packed.size());
    mlp_matrix* opened;
    ASSERT_EQ(MLP_OK, mlp_matrix_open(blob.data(), packed.size(), &opened)) << mlp_last_error();
    for (const int batch : batches) compare(matrix, opened, batch, pool);
    mlp_matrix_close(opened);
  }

  // Activations on grids that a model brings along: signed, unsigned, and with a zero point between; some lie outside.
  void check_grids(int rows, int columns, std::initializer_list<int> batches) {
    const int block = GetParam().format == MLP_BLOCK ? 4 : 0;
    const Matrix matrix = random_matrix(rows, columns, 0.6, block, columns);
    const auto blob = pack_guarded(matrix);
    for (const auto& [lowest, highest] : {std::pair{-128, 127}, {0, 255}, {-93, 162}, {-255, 0}}) {
      mlp_matrix* opened;
      ASSERT_EQ(MLP_OK, mlp_matrix_open(blob->data(), blob->size(), &opened)) << mlp_last_error();
      const float scale = 4.0f / 255;
      if (GetParam().type == MLP_INT8) {
        EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_matrix_set_grid(opened, 0, lowest, highest));
        EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_matrix_set_grid(opened, NAN, lowest, highest));
        EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_matrix_set_grid(opened, scale, 1, 2));
        EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_matrix_set_grid(opened, scale, lowest, lowest + 256));
      }
      const int status = mlp_matrix_set_grid(opened, scale, lowest, highest);
      ASSERT_EQ(GetParam().type == MLP_INT8 ? MLP_OK : MLP_UNSUPPORTED, status) << mlp_last_error();
      for (const int batch : batches)
        if (status == MLP_OK) {
          const auto x = random_activations(batch, columns, batch);
          compare(opened, x, batch, products_on_grid(matrix, x, batch, scale, lowest, highest), nullptr,
                  1e-7 * (8 + std::sqrt(columns)));
        }
      mlp_matrix_close(opened);
    }
  }

 private:
  static void replace() {
#if defined(__x86_64__)
    mlp::replace_kernels(&mlp::emulated_amx_kernels());
#endif
  }

  // The packed bytes, at the end of their memory.
  static std::unique_ptr<GuardedMemory<uint8_t>> pack_guarded(const Matrix& matrix) {
    const auto packed = pack(matrix, GetParam().format, GetParam().type);
    auto blob = std::make_unique<GuardedMemory<uint8_t>>(packed.size(), 64);
    std::memcpy(blob->data(), packed.data(), packed.size());
    return blob;
  }

  void compare(const Matrix& matrix, const mlp_matrix* opened, int batch, mlp_pool* pool) {
    const auto values = random_activations(batch, matrix.columns, batch);
    // AMX rounds the activations of large bf16 batches to bf16; float32 sums err by less than sqrt(columns) ulps here.
    const bool rounded = GetParam().isa >= MLP_AMX && GetParam().isa != MLP_NEON && GetParam().type == MLP_BF16;
    const double tolerance = rounded ? 1.0 / 256 : 1e-7 * (8 + std::sqrt(matrix.columns));
    compare(opened, values, batch, products(matrix, GetParam().type, values, batch), pool, tolerance);
  }

  static void compare(const mlp_matrix* opened, const std::vector<float>& values, int batch, const Products& expected,
                      mlp_pool* pool, double tolerance) {
    const size_t columns = values.size() / batch, rows = expected.values.size() / batch;
    GuardedMemory<float> x(values.size()), y(expected.values.size());
    std::memcpy(x.data(), values.data(), values.size() * 4);
    for (size_t i = 0; i < y.size(); i++) y[i] = NAN;
    ASSERT_EQ(MLP_OK, mlp_run(opened, x.data(), columns, batch, y.data(), rows, pool)) << mlp_last_error();
    for (size_t i = 0; i < y.size(); i++)
      ASSERT_NEAR(expected.values[i], y[i], tolerance * expected.magnitudes[i] + 1e-30)
          << rows << " x " << columns << ", batch " << batch << ", element " << i;
  }
};

TEST_P(KernelTest, AwkwardSizes) {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {1, 64}, {15, 63}, {16, 64}, {17, 65}, {33, 130}, {50, 257}})
    check(rows, columns, 0.6, {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17});
}

TEST_P(KernelTest, Sparsities) {
  for (const double sparsity : {0.0, 0.5, 0.9, 0.99, 1.0}) check(48, 320, sparsity, {1, 4, 12});
}

TEST_P(KernelTest, SeveralPanels) { check(40, 2100, 0.7, {1, 17}); }

TEST_P(KernelTest, ManyGroups) { check(530, 70, 0.7, {9, 30}); }

TEST_P(KernelTest, LargeBatch) { check(33, 130, 0.7, {256}); }

TEST_P(KernelTest, BlocksOfABatch) {
  if (GetParam().format == MLP_BITMASK || GetParam().format == MLP_CSR) check(83, 200, 0.7, {64, 65, 100});
  else check(83, 200, 0.7, {65});
}

TEST_P(KernelTest, Grids) {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {17, 65}, {50, 257}}) check_grids(rows, columns, {1, 3, 8, 9, 33});
}

TEST_P(KernelTest, Threads) {
  mlp_pool* pool;
  ASSERT_EQ(MLP_OK, mlp_pool_create(3, &pool));
  check(300, 600, 0.5, {1, 13}, pool);
  mlp_pool_free(pool);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int isa = 0; isa < MLP_ISA_COUNT; isa++)
    for (int format = 0; mlp_isa_supported(isa) && format < 4; format++)
      for (int type = 0; type < 4; type++)
        if (format != MLP_CSR || type == MLP_F32) all.push_back({isa, format, type});
  for (const int format : {MLP_DENSE, MLP_BITMASK})
    for (int type = 0; mlp_isa_supported(MLP_VNNI) && type < 4; type++) all.push_back({kEmulatedAmx, format, type});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, KernelTest, testing::ValuesIn(cases()), [](const auto& info) {
  const char* isa = mlp_isa_name(info.param.isa);
  return std::string(isa == nullptr ? "emulatedAmx" : isa) + "_" + kFormats[info.param.format] + "_" + kTypes[info.param.type];
});

}  // namespace
