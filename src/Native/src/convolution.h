// Convolutions with sparse weights, and chains of element-wise steps. docs/kernels.md describes how they work.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace mlp {

// What a convolution does to an image's two sides, height first.
struct ConvShape {
  int64_t kernel[2] = {1, 1}, strides[2] = {1, 1}, dilations[2] = {1, 1};
};

// One size of images. The weights see a framed copy of an image: [channel][row][phase][place] holds the padded image's
// pixel (row, place * stride + phase), so that what one weight sees at neighbouring output pixels lies side by side.
struct ConvFrame {
  int64_t height, width, out_height, out_width;
  int64_t pads[2];            // above and left
  bool plain;                 // the image itself serves
  int64_t rows, row, phase;   // rows of a channel, and pixels of a row and of a phase
  std::vector<int64_t> taps;  // where the elements of the kernel begin

  int64_t pixels() const { return out_height * out_width; }
};

// The weights of a CSR matrix [rows, channels * kernel], as lists for each kConvColumns columns.
class Convolution {
 public:
  Convolution(const mlp_matrix& matrix, const ConvShape& shape);

  int64_t rows() const { return rows_; }
  int64_t channels() const { return channels_; }
  const ConvShape& shape() const { return shape_; }

  ConvFrame frame(int64_t height, int64_t width, int64_t out_height, int64_t out_width, const int64_t (&pads)[2]) const;

  // Floats of the framed copy of an image.
  int64_t framed_floats(const ConvFrame& frame) const;

  // Copies some channels of an image [channels, height, width].
  void copy(const ConvFrame& frame, const float* image, int64_t begin, int64_t end, float* framed) const;

  static int64_t blocks(const ConvFrame& frame) { return (frame.pixels() + kConvPixels - 1) / kConvPixels; }

  // The output y [rows, pixels] at a block of pixels. `framed` is the image itself where frame.plain; bias [rows] may be
  // null; `scratch` has scratch_floats(), aligned to 64 bytes.
  void run(const Kernels& kernels, const ConvFrame& frame, const float* framed, int64_t block, const float* bias,
           const PointSteps& steps, float* y, float* scratch) const;

  int64_t scratch_floats() const { return kConvPixels * (rows_ + kConvColumns) + kConvSlack; }

 private:
  ConvShape shape_;
  int64_t rows_, columns_, channels_;
  std::vector<float> values_;
  std::vector<uint16_t> places_;
  std::vector<ConvList> lists_;
  std::vector<int64_t> panels_;  // the first list of each
};

}  // namespace mlp
