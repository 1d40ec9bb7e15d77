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

// One size of images. The weights see a framed copy of what some output rows, a strip, are made of: in
// [channel][row][phase][place] is the padded image's pixel (row, place * stride + phase), so that what one weight sees at
// neighbouring output pixels lies side by side, and in a cache.
struct ConvFrame {
  int64_t height, width, out_height, out_width;
  int64_t pads[2];            // above and left
  bool plain;                 // the image itself serves, as one strip
  int64_t strip, strips;      // output rows of a strip (the last may have less)
  int64_t rows, row, phase;   // rows of a channel in the copy, and pixels of a row and of a phase
  std::vector<int64_t> taps;  // where the elements of the kernel begin

  int64_t pixels() const { return out_height * out_width; }

  // Blocks of pixels in a strip.
  int64_t blocks(int64_t of_strip) const { return (pixels(of_strip) + kConvPixels - 1) / kConvPixels; }

  int64_t pixels(int64_t of_strip) const {
    const int64_t left = out_height - of_strip * strip;
    return (left < strip ? left : strip) * out_width;
  }
};

// The weights of a CSR matrix [rows, channels * kernel], as lists for each kConvColumns columns.
class Convolution {
 public:
  Convolution(const mlp_matrix& matrix, const ConvShape& shape);

  int64_t rows() const { return rows_; }
  int64_t channels() const { return channels_; }
  const ConvShape& shape() const { return shape_; }

  // One strip if its copy stays in a cache, else one for each thread at least, where there are as many output rows.
  ConvFrame frame(int64_t height, int64_t width, int64_t out_height, int64_t out_width, const int64_t (&pads)[2],
                  int64_t threads) const;

  // Floats of the framed copy of a strip.
  int64_t framed_floats(const ConvFrame& frame) const;

  // Copies what a strip is made of: some channels of an image [channels, height, width].
  void copy(const ConvFrame& frame, const float* image, int64_t strip, int64_t begin, int64_t end, float* framed) const;

  // The output y [rows, pixels] at a block of a strip's pixels. `framed` is the image itself where frame.plain; bias [rows] may be
  // null; `scratch` has scratch_floats(), aligned to 64 bytes.
  void run(const Kernels& kernels, const ConvFrame& frame, const float* framed, int64_t strip, int64_t block,
           const float* bias, const PointSteps& steps, float* y, float* scratch) const;

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
