// Convolutions with sparse weights: what 128 columns of the matrix see at 64 pixels is copied into the first cache, and
// each stored weight of these columns meets the 64 pixels. Element-wise steps follow while the sums are near.
#pragma once

#include "skip.h"

namespace mlp {
namespace MLP_TARGET {

constexpr int kPoints = 64;

// v [kPoints] through the steps.
inline void run_steps(const PointSteps& steps, float* __restrict v) {
  alignas(64) float saved[kPoints];
  for (int64_t s = 0; s < steps.count; s++) {
    const PointStep step = steps.steps[s];
    const float a = step.a, b = step.b;
    switch (step.op) {
      case kAffine:
        for (int i = 0; i < kPoints; i++) v[i] = v[i] * a + b;
        break;
      case kClamp:
        for (int i = 0; i < kPoints; i++) v[i] = v[i] < a ? a : v[i];
        for (int i = 0; i < kPoints; i++) v[i] = v[i] > b ? b : v[i];
        break;
      case kLeaky:
        for (int i = 0; i < kPoints; i++) v[i] = v[i] < 0 ? v[i] * a : v[i];
        break;
      case kSave:
        std::memcpy(saved, v, sizeof(saved));
        break;
      default:  // kTimes
        for (int i = 0; i < kPoints; i++) v[i] *= saved[i];
        break;
    }
  }
}

// y = steps(x).
inline void run_points(const PointsTask& task) {
  alignas(64) float v[kPoints] = {};
  for (int64_t first = 0; first < task.count; first += kPoints) {
    const int64_t count = task.count - first < kPoints ? task.count - first : kPoints;
    std::memcpy(v, task.x + first, count * sizeof(float));
    run_steps(task.steps, v);
    std::memcpy(task.y + first, v, count * sizeof(float));
  }
}

// What the columns of a panel see, [column][64]. A copy may run over what it copies, by less than a register: what comes
// next overwrites that.
MLP_INLINE void gather_panel(const ConvTask& task, int64_t first, int64_t count, float* to) {
  int64_t channel = first / task.tap_count, tap = first % task.tap_count;
  for (int64_t column = 0; column < count; column++, to += kConvPixels) {
    const float* from = task.image + channel * task.plane + task.taps[tap];
    if (++tap == task.tap_count) {
      tap = 0;
      channel++;
    }
    if (task.exact) {
      from += task.runs[0].from;
      int i = 0;
      for (; i + kLane <= task.pixels; i += kLane) std::memcpy(to + i, from + i, kLane * sizeof(float));
      if (i == task.pixels) continue;
      std::memset(to + i, 0, kLane * sizeof(float));
      for (; i < task.pixels; i++) to[i] = from[i];
      continue;
    }
    for (int r = 0; r < task.run_count; r++) {
      const ConvRun run = task.runs[r];
      for (int i = 0; i < run.count; i += kLane)
        std::memcpy(to + run.to + i, from + run.from + i, kLane * sizeof(float));
    }
  }
}

template <class A, int N>
void conv_lists(const ConvTask& task, int64_t panel, const float* x, float* sums) {
  for (int64_t l = task.panels[panel]; l < task.panels[panel + 1]; l++) {
    const ConvList list = task.lists[l];
    skip_row<A, N, 1>(task.values + list.begin, task.places + list.begin, list.count, x,
                      sums + list.row * int64_t{kConvPixels}, false);
  }
}

template <class A>
void run_conv(const ConvTask& task) {
  float *sums = task.scratch, *x = task.scratch + task.rows * kConvPixels;
  for (int64_t row = 0; row < task.rows; row++) {
    const float bias = task.bias == nullptr ? 0 : task.bias[row];
    for (int i = 0; i < kConvPixels; i++) sums[row * kConvPixels + i] = bias;
  }
  for (int64_t first = 0, panel = 0; first < task.columns; first += kConvColumns, panel++) {
    if (task.panels[panel] == task.panels[panel + 1]) continue;
    gather_panel(task, first, task.columns - first < kConvColumns ? task.columns - first : kConvColumns, x);
    if (task.pixels > 3 * kLane) conv_lists<A, 4>(task, panel, x, sums);
    else if (task.pixels > 2 * kLane) conv_lists<A, 3>(task, panel, x, sums);
    else if (task.pixels > kLane) conv_lists<A, 2>(task, panel, x, sums);
    else conv_lists<A, 1>(task, panel, x, sums);
  }
  for (int64_t row = 0; row < task.rows; row++) {
    float* v = sums + row * kConvPixels;
    run_steps(task.steps, v);
    std::memcpy(task.y + row * task.ldy, v, task.pixels * sizeof(float));
  }
}

}  // namespace MLP_TARGET
}  // namespace mlp
