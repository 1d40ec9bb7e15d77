// Damaged blobs are refused, and refused before anything outside of them is read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "format.h"
#include "guarded_memory.h"
#include "oracle.h"

namespace {

class BlobTest : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  static constexpr int kRows = 40, kColumns = 200;

  void SetUp() override {
    ASSERT_EQ(MLP_OK, mlp_isa_select(MLP_SCALAR));
    packed_ = pack(random_matrix(kRows, kColumns, 0.7, format() == MLP_BLOCK ? 4 : 0, 1), format(), type());
  }

  int format() const { return std::get<0>(GetParam()); }
  int type() const { return std::get<1>(GetParam()); }
  mlp::Header header() const {
    mlp::Header header;
    std::memcpy(&header, packed_.data(), sizeof header);
    return header;
  }

  // Opens a copy that ends at a guard page, and runs it if it is taken.
  int32_t open(const std::vector<uint8_t>& bytes) {
    GuardedMemory<uint8_t> blob(bytes.size(), 64);
    std::copy(bytes.begin(), bytes.end(), blob.data());
    mlp_matrix* matrix;
    const int32_t status = mlp_matrix_open(blob.data(), static_cast<int64_t>(bytes.size()), &matrix);
    if (status != MLP_OK) return status;
    mlp_matrix_info info;
    EXPECT_EQ(MLP_OK, mlp_matrix_describe(matrix, &info));
    const auto x = random_activations(9, info.columns, 1);
    std::vector<float> y(static_cast<size_t>(9) * info.rows);
    for (int isa = 0; isa < MLP_ISA_COUNT; isa++) {
      if (!mlp_isa_supported(isa) || mlp_isa_select(isa) != MLP_OK) continue;
      for (const int batch : {1, 9})
        EXPECT_EQ(MLP_OK, mlp_run(matrix, x.data(), info.columns, batch, y.data(), info.rows, nullptr));
    }
    mlp_matrix_close(matrix);
    return status;
  }

  std::vector<uint8_t> packed_;
};

TEST_P(BlobTest, WholeIsTaken) { EXPECT_EQ(MLP_OK, open(packed_)) << mlp_last_error(); }

TEST_P(BlobTest, CutIsRefused) {
  for (size_t bytes = 0; bytes < packed_.size(); bytes += 64)
    EXPECT_EQ(MLP_BAD_BLOB, open({packed_.begin(), packed_.begin() + static_cast<int64_t>(bytes)})) << bytes;
}

// Every byte of the header but the count of rows or columns within their padding decides something.
TEST_P(BlobTest, ChangedHeaderIsRefused) {
  for (size_t at = 0; at < sizeof(mlp::Header); at++)
    for (const int change : {1, 16, 128, 255}) {
      auto changed = packed_;
      changed[at] = static_cast<uint8_t>(changed[at] ^ change);
      const int32_t status = open(changed);
      const bool padding = at >= 8 && at < 16 && format() != MLP_DENSE;
      if (!padding) EXPECT_EQ(MLP_BAD_BLOB, status) << "byte " << at << " xor " << change;
    }
}

TEST_P(BlobTest, ChangedOffsetsAreRefused) {
  const mlp::Header header = this->header();
  const mlp::Shape shape{format(), type(), kRows, kColumns};
  for (int64_t i = 0; i < shape.offsets_count(); i++)
    for (const uint32_t offset : {0u, 1u, 7u, 1000000u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
      auto changed = packed_;
      uint8_t* at = changed.data() + header.offsets_at * 64 + i * 4;
      uint32_t was;
      std::memcpy(&was, at, 4);
      std::memcpy(at, &offset, 4);
      // Moving the border between two CSR rows or blocks leaves a sound matrix if all indices still rise.
      if (offset != was && open(changed) == MLP_OK) EXPECT_GE(format(), MLP_BLOCK) << "offset " << i << " = " << offset;
    }
}

TEST_P(BlobTest, ChangedMasksAreRefused) {
  if (format() != MLP_BITMASK) GTEST_SKIP() << "no masks";
  const mlp::Header header = this->header();
  for (size_t at = header.index_at * 64; at < header.values_at * size_t{64}; at++) {
    auto changed = packed_;
    changed[at] = static_cast<uint8_t>(~changed[at]);
    const bool balanced = __builtin_popcount(packed_[at]) == 4;
    if (!balanced) EXPECT_EQ(MLP_BAD_BLOB, open(changed)) << "byte " << at;
  }
}

// Whatever is taken runs without touching the guard page.
TEST_P(BlobTest, RandomDamageIsHarmless) {
  std::mt19937 random(1);
  const size_t structure = header().values_at * size_t{64};
  for (int i = 0; i < 300; i++) {
    auto changed = packed_;
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; changes--)
      changed[random() % structure] = static_cast<uint8_t>(random());
    open(changed);
  }
}

TEST(AbiTest, WrongArgumentsAreRefused) {
  mlp_packer* packer;
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_packer_create(9, MLP_F32, 1, 1, &packer));
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_packer_create(MLP_DENSE, MLP_F32, 0, 1, &packer));
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_packer_create(MLP_CSR, MLP_INT8, 1, 1, &packer));
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_matrix_open(nullptr, 0, nullptr));
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_isa_select(99));
  ASSERT_EQ(MLP_OK, mlp_packer_create(MLP_DENSE, MLP_F32, 32, 4, &packer));
  const float weights[32 * 4] = {};
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_packer_add(packer, weights, 15, 4, nullptr));
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_packer_add(packer, weights, 16, 3, nullptr));
  EXPECT_EQ(MLP_OK, mlp_packer_add(packer, weights, 16, 4, nullptr));
  int64_t bytes;
  EXPECT_EQ(MLP_BAD_ARGUMENT, mlp_packer_size(packer, &bytes));
  EXPECT_STREQ("16 of 32 rows are in.", mlp_last_error());
  mlp_packer_free(packer);
}

// The layout that docs/kernels.md gives, and that the managed side reads.
TEST(AbiTest, HeaderOfOneWeight) {
  const auto blob = pack({1, 1, {2.0f}}, MLP_BITMASK, MLP_F32);
  EXPECT_EQ(MLP_ABI_VERSION, mlp_abi_version());
  ASSERT_EQ(64u + 64 + 128 + 64 + 64, blob.size());
  EXPECT_EQ(0, std::memcmp(blob.data(), "PT16\1\1\0\0\1\0\0\0\1\0\0\0", 16));
  float value;
  std::memcpy(&value, blob.data() + 256, 4);
  EXPECT_EQ(2.0f, value);
}

INSTANTIATE_TEST_SUITE_P(All, BlobTest,
                         testing::Values(std::tuple(0, 0), std::tuple(0, 2), std::tuple(0, 3), std::tuple(1, 0),
                                         std::tuple(1, 1), std::tuple(1, 2), std::tuple(1, 3), std::tuple(2, 0),
                                         std::tuple(2, 1), std::tuple(2, 2), std::tuple(2, 3), std::tuple(3, 0)),
                         [](const auto& info) {
                           return "format" + std::to_string(std::get<0>(info.param)) + "_type" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
