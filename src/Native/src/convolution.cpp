#include "convolution.h"

#include <algorithm>
#include <numeric>

namespace mlp {

constexpr int64_t kStripFloats = 256 * 1024;  // of a strip's copy, about: what the second cache holds

Convolution::Convolution(const mlp_matrix& matrix, const ConvShape& shape)
    : shape_(shape),
      rows_(matrix.shape.rows),
      columns_(matrix.shape.columns),
      channels_(columns_ / (shape.kernel[0] * shape.kernel[1])) {
  const auto* values = reinterpret_cast<const float*>(matrix.values);
  const auto* columns = reinterpret_cast<const uint16_t*>(matrix.index);
  std::vector<uint32_t> at(matrix.offsets, matrix.offsets + rows_);
  values_.reserve(matrix.kept);
  places_.reserve(matrix.kept);
  std::vector<ConvList> sorted;
  for (int64_t first = 0; first < columns_; first += kConvColumns) {
    sorted.clear();
    for (int64_t row = 0; row < rows_; row++) {
      const uint32_t begin = at[row], end = matrix.offsets[row + 1];
      while (at[row] < end && columns[at[row]] < first + kConvColumns) at[row]++;
      if (at[row] > begin) sorted.push_back({begin, at[row] - begin, static_cast<uint32_t>(row)});
    }
    // Neighbours of one length, so that the processor foresees the end of each list.
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const ConvList& a, const ConvList& b) { return a.count > b.count; });
    panels_.push_back(static_cast<int64_t>(lists_.size()));
    for (ConvList list : sorted) {
      const uint32_t begin = list.begin;
      list.begin = static_cast<uint32_t>(values_.size());
      for (uint32_t i = 0; i < list.count; i++) {
        values_.push_back(values[begin + i]);
        places_.push_back(static_cast<uint16_t>((columns[begin + i] - first) * kConvPixels));
      }
      lists_.push_back(list);
    }
  }
  panels_.push_back(static_cast<int64_t>(lists_.size()));
}

ConvFrame Convolution::frame(int64_t height, int64_t width, int64_t out_height, int64_t out_width,
                             const int64_t (&pads)[2], int64_t threads) const {
  const auto& [kernel, strides, dilations] = shape_;
  ConvFrame frame{height, width, out_height, out_width, {pads[0], pads[1]}, false, out_height, 1, 1, 0, 0, {}};
  frame.plain = kernel[0] * kernel[1] * strides[0] * strides[1] == 1 && out_height == height && out_width == width;
  if (frame.plain) {
    frame.row = frame.phase = height * width;
    frame.taps = {0};
    return frame;
  }
  frame.phase = out_width + (kernel[1] - 1) * dilations[1] / strides[1];
  frame.row = frame.phase * strides[1];
  // Rows that two strips share are copied twice.
  const int64_t reach = (kernel[0] - 1) * dilations[0], whole = kConvPixels / std::gcd<int64_t>(kConvPixels, out_width);
  const int64_t fitting = (kStripFloats / (channels_ * frame.row) - reach - 1) / strides[0] + 1;
  if (fitting < out_height) {
    frame.strip = std::max(std::min(fitting, (out_height + threads - 1) / threads), reach + 1);
    if (frame.strip > whole) frame.strip -= frame.strip % whole;  // blocks are full
    frame.strip = std::min(frame.strip, out_height);
  }
  frame.strips = (out_height + frame.strip - 1) / frame.strip;
  frame.rows = (frame.strip - 1) * strides[0] + reach + 1;
  for (int64_t y = 0; y < kernel[0]; y++)
    for (int64_t x = 0; x < kernel[1]; x++) {
      const int64_t at = x * dilations[1];
      frame.taps.push_back(y * dilations[0] * frame.row + at % strides[1] * frame.phase + at / strides[1]);
    }
  return frame;
}

int64_t Convolution::framed_floats(const ConvFrame& frame) const {
  return frame.plain ? 0 : channels_ * frame.rows * frame.row + kConvSlack;
}

void Convolution::copy(const ConvFrame& frame, const float* image, int64_t strip, int64_t begin, int64_t end,
                       float* framed) const {
  const int64_t step = shape_.strides[1], left = frame.pads[1];
  const int64_t first = strip * frame.strip * shape_.strides[0] - frame.pads[0];
  for (int64_t channel = begin; channel < end; channel++)
    for (int64_t y = 0; y < frame.rows; y++) {
      float* to = framed + (channel * frame.rows + y) * frame.row;
      const int64_t from_y = first + y;
      if (from_y < 0 || from_y >= frame.height) {
        std::fill_n(to, frame.row, 0.0f);
        continue;
      }
      const float* from = image + (channel * frame.height + from_y) * frame.width;
      for (int64_t phase = 0; phase < step; phase++, to += frame.phase) {
        // The places whose pixel, place * step + phase - left, lies inside of the image.
        const int64_t shift = phase - left;
        const int64_t low = std::clamp<int64_t>(shift < 0 ? (-shift + step - 1) / step : 0, 0, frame.phase);
        const int64_t high = std::clamp<int64_t>(
            frame.width > shift ? (frame.width - shift + step - 1) / step : 0, low, frame.phase);
        std::fill(to, to + low, 0.0f);
        if (step == 1) std::copy(from + low + shift, from + high + shift, to + low);
        else
          for (int64_t place = low; place < high; place++) to[place] = from[place * step + shift];
        std::fill(to + high, to + frame.phase, 0.0f);
      }
    }
}

void Convolution::run(const Kernels& kernels, const ConvFrame& frame, const float* framed, int64_t strip,
                      int64_t block, const float* bias, const PointSteps& steps, float* y, float* scratch) const {
  const int64_t first = block * kConvPixels, pixels = frame.pixels(strip);
  ConvRun runs[kConvPixels];
  ConvTask task{};
  task.pixels = static_cast<int>(std::min<int64_t>(kConvPixels, pixels - first));
  task.runs = runs;
  for (int at = 0; at < task.pixels;) {
    const int64_t width = frame.plain ? pixels : frame.out_width;
    const int64_t line = (first + at) / width, place = (first + at) % width;
    const int count = static_cast<int>(std::min<int64_t>(task.pixels - at, width - place));
    runs[task.run_count++] = {line * shape_.strides[0] * frame.row + place, at, count};
    at += count;
  }
  task.exact = frame.plain;
  task.rows = rows_;
  task.columns = columns_;
  task.image = framed;
  task.plane = frame.rows * frame.row;
  task.taps = frame.taps.data();
  task.tap_count = static_cast<int64_t>(frame.taps.size());
  task.values = values_.data();
  task.places = places_.data();
  task.lists = lists_.data();
  task.panels = panels_.data();
  task.bias = bias;
  task.steps = steps;
  task.y = y + strip * frame.strip * frame.out_width + first;
  task.ldy = frame.pixels();
  task.scratch = scratch;
  kernels.conv(task);
}

}  // namespace mlp
