// Convolutions and element-wise steps on every instruction set that this machine has, against float64. Images and
// results end at guard pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "convolution.h"
#include "guarded_memory.h"
#include "isa.h"
#include "oracle.h"

namespace {

class ConvolutionTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { ASSERT_EQ(MLP_OK, mlp_isa_select(GetParam())) << mlp_last_error(); }
  void TearDown() override { mlp::replace_kernels(nullptr); }
};

struct Sizes {
  int rows, channels;
  int64_t height, width;
  mlp::ConvShape shape;
  int64_t pads[4];
};

double through(const std::vector<mlp::PointStep>& steps, double v) {
  double saved = 0;
  for (const mlp::PointStep& step : steps) {
    if (step.op == mlp::kAffine) v = v * step.a + step.b;
    if (step.op == mlp::kClamp) v = std::min<double>(std::max<double>(v, step.a), step.b);
    if (step.op == mlp::kLeaky) v = v < 0 ? v * step.a : v;
    if (step.op == mlp::kSave) saved = v;
    if (step.op == mlp::kTimes) v *= saved;
  }
  return v;
}

// What one output sees: sum and sum of magnitudes.
std::pair<double, double> at(const Sizes& s, const Matrix& w, const float* x, int row, int64_t oy, int64_t ox) {
  double sum = 0, magnitude = 0;
  const auto& [kernel, strides, dilations] = s.shape;
  for (int c = 0, k = 0; c < s.channels; c++)
    for (int64_t ky = 0; ky < kernel[0]; ky++)
      for (int64_t kx = 0; kx < kernel[1]; kx++, k++) {
        const int64_t y = oy * strides[0] + ky * dilations[0] - s.pads[0], at = ox * strides[1] + kx * dilations[1] - s.pads[1];
        if (y < 0 || y >= s.height || at < 0 || at >= s.width) continue;
        const double term = double{w.weights[row * w.columns + k]} * x[(c * s.height + y) * s.width + at];
        sum += term;
        magnitude += std::abs(term);
      }
  return {sum, magnitude};
}

void check(const Sizes& s, double sparsity, const std::vector<mlp::PointStep>& steps, int threads = 1) {
  const auto& [kernel, strides, dilations] = s.shape;
  const int columns = static_cast<int>(s.channels * kernel[0] * kernel[1]);
  const Matrix matrix = random_matrix(s.rows, columns, sparsity, 0, s.rows + columns);
  const auto packed = pack(matrix, MLP_CSR, MLP_F32);
  GuardedMemory<uint8_t> blob(packed.size(), 64);
  std::memcpy(blob.data(), packed.data(), packed.size());
  mlp_matrix* opened;
  ASSERT_EQ(MLP_OK, mlp_matrix_open(blob.data(), packed.size(), &opened)) << mlp_last_error();
  const mlp::Convolution convolution(*opened, s.shape);
  mlp_matrix_close(opened);

  int64_t out[2];
  const int64_t size[2] = {s.height, s.width};
  for (int i = 0; i < 2; i++)
    out[i] = (size[i] + s.pads[i] + s.pads[i + 2] - (kernel[i] - 1) * dilations[i] - 1) / strides[i] + 1;
  const int64_t pixels = out[0] * out[1];
  const auto values = random_activations(s.channels, static_cast<int>(s.height * s.width), 1);
  const auto biases = random_activations(1, s.rows, 3);
  GuardedMemory<float> x(values.size()), y(static_cast<size_t>(s.rows) * pixels);
  std::memcpy(x.data(), values.data(), values.size() * 4);
  const mlp::ConvFrame frame = convolution.frame(s.height, s.width, out[0], out[1], {s.pads[0], s.pads[1]}, threads);
  GuardedMemory<float> framed(std::max<int64_t>(1, convolution.framed_floats(frame)));
  GuardedMemory<float> scratch(convolution.scratch_floats(), 64);
  for (int64_t strip = 0; strip < frame.strips; strip++) {
    if (!frame.plain) {
      convolution.copy(frame, x.data(), strip, 0, s.channels / 2, framed.data());
      convolution.copy(frame, x.data(), strip, s.channels / 2, s.channels, framed.data());
    }
    for (int64_t block = 0; block < frame.blocks(strip); block++)
      convolution.run(*mlp::current_kernels(), frame, frame.plain ? x.data() : framed.data(), strip, block,
                      biases.data(), {steps.data(), static_cast<int64_t>(steps.size())}, y.data(), scratch.data());
  }

  for (int row = 0; row < s.rows; row++)
    for (int64_t p = 0; p < pixels; p++) {
      const auto [sum, magnitude] = at(s, matrix, x.data(), row, p / out[1], p % out[1]);
      const double expected = through(steps, sum + biases[row]);
      ASSERT_NEAR(expected, y[row * pixels + p], 1e-6 * (8 + std::sqrt(columns)) * (magnitude + 4))
          << s.rows << " x " << columns << ", row " << row << ", pixel " << p;
    }
}

TEST_P(ConvolutionTest, Shapes) {
  const Sizes all[] = {
      {1, 1, 1, 1, {}, {}},
      {5, 3, 7, 9, {}, {}},                                     // 1 x 1: 63 pixels
      {20, 130, 13, 10, {}, {}},                                // two panels, three blocks
      {9, 3, 1, 1, {{3, 3}, {1, 1}, {1, 1}}, {1, 1, 1, 1}},     // all but the middle is padding
      {17, 20, 12, 13, {{3, 3}, {1, 1}, {1, 1}}, {1, 1, 1, 1}},
      {17, 4, 11, 13, {{3, 5}, {2, 2}, {1, 1}}, {1, 2, 1, 2}},  // phases
      {8, 4, 14, 15, {{3, 2}, {1, 3}, {2, 2}}, {0, 1, 2, 0}},   // one-sided padding
      {8, 4, 9, 40, {{1, 1}, {2, 2}, {1, 1}}, {}},
      {6, 16, 1, 100, {{1, 7}, {1, 1}, {1, 3}}, {0, 9, 0, 9}},  // a signal
      {2, 40, 23, 400, {{3, 3}, {2, 1}, {1, 1}}, {1, 1, 1, 1}},  // strips
      {6, 2, 3, 2, {{2, 2}, {1, 1}, {4, 5}}, {4, 5, 4, 5}},     // the kernel's elements lie further apart than the image
  };
  for (const Sizes& sizes : all)
    for (const double sparsity : {0.0, 0.7, 1.0})
      for (const int threads : {1, 3}) check(sizes, sparsity, {}, threads);
}

TEST_P(ConvolutionTest, Steps) {
  const Sizes sizes{7, 10, 6, 11, {{3, 3}, {1, 1}, {1, 1}}, {1, 1, 1, 1}};
  using mlp::PointStep;
  const std::vector<PointStep> all[] = {
      {{mlp::kClamp, 0, INFINITY}},
      {{mlp::kClamp, -0.5f, 0.25f}},
      {{mlp::kLeaky, 0.1f, 0}},
      {{mlp::kAffine, -2, 3}, {mlp::kClamp, 0, INFINITY}},
      {{mlp::kSave, 0, 0}, {mlp::kAffine, 1.0f / 6, 0.5f}, {mlp::kClamp, 0, 1}, {mlp::kTimes, 0, 0}},
  };
  for (const auto& steps : all) check(sizes, 0.6, steps);
}

TEST_P(ConvolutionTest, Points) {
  const std::vector<mlp::PointStep> steps = {
      {mlp::kAffine, 0.5f, 1}, {mlp::kSave, 0, 0}, {mlp::kClamp, -1, 1}, {mlp::kTimes, 0, 0}};
  for (const int count : {1, 15, 16, 63, 64, 65, 200}) {
    const auto values = random_activations(1, count, 1);
    GuardedMemory<float> x(count), y(count);
    std::memcpy(x.data(), values.data(), count * 4);
    mlp::current_kernels()->points({{steps.data(), 4}, x.data(), y.data(), count});
    for (int i = 0; i < count; i++) ASSERT_NEAR(through(steps, values[i]), y[i], 1e-5) << count << ", " << i;
  }
}

std::vector<int> targets() {
  std::vector<int> all;
  for (int isa = 0; isa < MLP_ISA_COUNT; isa++)
    if (mlp_isa_supported(isa)) all.push_back(isa);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, ConvolutionTest, testing::ValuesIn(targets()),
                         [](const auto& info) { return std::string(mlp_isa_name(info.param)); });

}  // namespace
