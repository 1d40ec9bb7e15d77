#include "packer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace mlp {

namespace {

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// The upper half of a float, rounded to nearest even; NaN stays NaN.
uint16_t to_bf16(float value) {
  const uint32_t bits = bits_of(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t half) { return from_bits(static_cast<uint32_t>(half) << 16); }

// max|w| over the largest code, rounded to the scale's type; never zero, and such that no code overflows.
float scale_for(float largest, int type) {
  if (largest == 0) return 1;
  const int max_code = type == MLP_INT8 ? 127 : 7;
  const float limit = std::numeric_limits<float>::max() / static_cast<float>(max_code + 1);
  const float exact = std::min(largest / static_cast<float>(max_code), limit);
  if (type == MLP_INT8) return exact > 0 ? exact : from_bits(1);
  const uint16_t half = to_bf16(exact);
  return half == 0 ? from_bits(1u << 16) : from_bf16(half) > limit ? from_bf16(half - 1) : from_bf16(half);
}

int code_of(float weight, float scale, int max_code) {
  const float code = std::nearbyint(weight / scale);
  return static_cast<int>(std::max(-static_cast<float>(max_code), std::min(code, static_cast<float>(max_code))));
}

void append(std::vector<uint8_t>& stream, const void* data, int64_t bytes) {
  const auto* begin = static_cast<const uint8_t*>(data);
  stream.insert(stream.end(), begin, begin + bytes);
}

// One group of 16 rows while it is packed.
class Group {
 public:
  Group(mlp_packer& packer, const float* weights, int count, int64_t stride, const float* scales)
      : packer_(packer), shape_(packer.shape), weights_(weights), count_(count), stride_(stride) {
    if (count < kGroupRows || shape_.columns < shape_.padded_columns()) pad();
    if (shape_.type == MLP_INT8 || shape_.type == MLP_INT4) quantize(scales);
  }

  void pack() {
    switch (shape_.format) {
      case MLP_CSR: return pack_csr();
      case MLP_BITMASK: return pack_bitmask();
      default: return pack_vectors();
    }
  }

 private:
  static constexpr int kMost = 64;

  float weight(int row, int64_t column) const { return weights_[row * stride_ + column]; }

  // Missing rows and columns become zeros.
  void pad() {
    padded_.assign(kGroupRows * shape_.padded_columns(), 0);
    for (int row = 0; row < count_; row++)
      std::copy_n(weights_ + row * stride_, shape_.columns, padded_.data() + row * shape_.padded_columns());
    weights_ = padded_.data();
    stride_ = shape_.padded_columns();
  }

  // Scales and codes of all rows; the scales go to their stream at once.
  void quantize(const float* given) {
    const bool int8 = shape_.type == MLP_INT8;
    const int64_t blocks = int8 ? 1 : shape_.scale_blocks();
    const int64_t given_blocks = int8 ? 1 : (shape_.columns + kColumnStep - 1) / kColumnStep;
    const int64_t width = int8 ? shape_.columns : kColumnStep;
    codes_.assign(kGroupRows * shape_.padded_columns(), 0);
    std::vector<float> scales(kGroupRows * blocks, 1.0f);
    for (int row = 0; row < count_; row++) {
      int32_t sum = 0;
      for (int64_t block = 0; block < blocks; block++) {
        const int64_t begin = block * width, end = std::min(begin + width, shape_.columns);
        float largest = 0;
        for (int64_t k = begin; k < end; k++) largest = std::max(largest, std::fabs(weight(row, k)));
        const float scale = given != nullptr ? given[row * given_blocks + block] : scale_for(largest, shape_.type);
        scales[row * blocks + block] = scale;
        for (int64_t k = begin; k < end; k++) {
          const int code = code_of(weight(row, k), scale, int8 ? 127 : 7);
          codes_[row * shape_.padded_columns() + k] = static_cast<int8_t>(code);
          sum += code;
        }
      }
      if (int8) packer_.sums[packer_.rows_in + row] = sum;
    }
    if (int8) {
      append(packer_.scales, scales.data(), kGroupRows * 4);
      return;
    }
    for (int64_t block = 0; block < blocks; block++)
      for (int row = 0; row < kGroupRows; row++) {
        const uint16_t half = to_bf16(scales[row * blocks + block]);
        append(packer_.scales, &half, 2);
      }
  }

  // The elements of vector v as they are stored (a byte a code for int4) and the mask of those that are not zero.
  uint64_t elements(int64_t v, uint8_t* out) const {
    switch (shape_.type) {
      case MLP_F32: return elements_of<MLP_F32, uint32_t, 1>(v, out);
      case MLP_BF16: return elements_of<MLP_BF16, uint16_t, 2>(v, out);
      default: return elements_of<MLP_INT8, uint8_t, 4>(v, out);
    }
  }

  template <int T, class Stored, int kWide>
  uint64_t elements_of(int64_t v, uint8_t* out) const {
    uint64_t mask = 0;
    for (int row = 0, i = 0; row < kGroupRows; row++)
      for (int j = 0; j < kWide; j++, i++) {
        const int64_t column = v * kWide + j;
        Stored stored;
        bool zero;  // minus zero is one
        if constexpr (T == MLP_F32) {
          stored = bits_of(weight(row, column));
          zero = stored << 1 == 0;
        } else if constexpr (T == MLP_BF16) {
          stored = to_bf16(weight(row, column));
          zero = (stored & 0x7FFF) == 0;
        } else {
          stored = static_cast<uint8_t>(codes_[row * shape_.padded_columns() + column]);
          zero = stored == 0;
        }
        mask |= static_cast<uint64_t>(!zero) << i;
        std::memcpy(out + i * sizeof stored, &stored, sizeof stored);
      }
    return mask;
  }

  // Copies the elements that the mask names, one behind the other; `out` has room for one more.
  template <int kBytes>
  static uint8_t* compact(const uint8_t* elements, uint64_t mask, uint8_t* out) {
    for (int i = 0; i < kMost / kBytes; i++) {
      std::memcpy(out, elements + i * kBytes, kBytes);
      out += (mask >> i & 1) * kBytes;
    }
    return out;
  }

  void put_nibble(int64_t at, bool odd, uint8_t code) {
    if (static_cast<int64_t>(packer_.values.size()) <= at) packer_.values.resize(at + 1, 0);
    packer_.values[at] |= static_cast<uint8_t>(((code + 8) & 15) << (odd ? 4 : 0));
  }

  void pack_bitmask() {
    uint8_t element[kMost];
    const int count = shape_.vector_elements();
    const auto begin = static_cast<int64_t>(packer_.values.size());
    int64_t nibbles[2] = {begin, begin};
    if (shape_.type != MLP_INT4) packer_.values.resize(begin + (shape_.vectors() + 1) * kMost);
    uint8_t* out = packer_.values.data() + begin;
    for (int64_t v = 0; v < shape_.vectors(); v++) {
      const uint64_t mask = elements(v, element);
      append(packer_.index, &mask, count / 8);
      packer_.kept += __builtin_popcountll(mask);
      switch (shape_.type) {
        case MLP_F32: out = compact<4>(element, mask, out); break;
        case MLP_BF16: out = compact<2>(element, mask, out); break;
        case MLP_INT8: out = compact<1>(element, mask, out); break;
        default:
          for (int i = 0; i < count; i++)
            if (mask >> i & 1) put_nibble(nibbles[v & 1]++, v & 1, element[i]);
      }
    }
    if (shape_.type != MLP_INT4) packer_.values.resize(out - packer_.values.data());
    packer_.values.resize(align_up(packer_.values.size()), 0);
    packer_.offsets.push_back(static_cast<uint32_t>(packer_.values.size() / kAlignment));
  }

  // Dense and block: whole vectors, int4 two in 64 bytes.
  void pack_vectors() {
    uint8_t element[kMost];
    const bool block = shape_.format == MLP_BLOCK;
    int64_t stored = block ? packer_.offsets.back() : packer_.rows_in / kGroupRows * shape_.vectors();
    for (int64_t v = 0; v < shape_.vectors(); v++) {
      const uint64_t mask = elements(v, element);
      if (block) {
        if (mask == 0) continue;
        const auto place = static_cast<uint16_t>(v);
        append(packer_.index, &place, 2);
        packer_.kept += shape_.vector_elements();
      }
      if (shape_.type == MLP_INT4)
        for (int i = 0; i < kMost; i++) put_nibble(stored / 2 * 64 + i, stored & 1, element[i]);
      else append(packer_.values, element, 64);
      stored++;
    }
    if (block) packer_.offsets.push_back(static_cast<uint32_t>(stored));
  }

  void pack_csr() {
    for (int row = 0; row < kGroupRows; row++) {
      for (int64_t k = 0; k < shape_.columns; k++) {
        const float value = weight(row, k);
        if (value == 0) continue;
        const auto place = static_cast<uint16_t>(k);
        append(packer_.index, &place, 2);
        append(packer_.values, &value, 4);
        packer_.kept++;
      }
      packer_.offsets.push_back(static_cast<uint32_t>(packer_.kept));
    }
  }

  mlp_packer& packer_;
  const Shape& shape_;
  const float* weights_;
  int count_;
  int64_t stride_;
  std::vector<int8_t> codes_;
  std::vector<float> padded_;
};

}  // namespace

void pack_group(mlp_packer& packer, const float* weights, int count, int64_t stride, const float* scales) {
  Group(packer, weights, count, stride, scales).pack();
  packer.rows_in += count;
}

Layout packed_layout(const mlp_packer& packer) {
  return layout_of(packer.shape, static_cast<int64_t>(packer.index.size()), static_cast<int64_t>(packer.values.size()));
}

void write_packed(const mlp_packer& packer, uint8_t* blob) {
  const Layout layout = packed_layout(packer);
  const Shape& shape = packer.shape;
  std::memset(blob, 0, sizeof(Header));
  Header header{};
  header.magic = kMagic;
  header.version = kFormatVersion;
  header.format = static_cast<uint8_t>(shape.format);
  header.type = static_cast<uint8_t>(shape.type);
  header.rows = static_cast<uint32_t>(shape.rows);
  header.columns = static_cast<uint32_t>(shape.columns);
  header.bytes = static_cast<uint64_t>(layout.total);
  header.kept = static_cast<uint64_t>(shape.format == MLP_DENSE ? shape.rows * shape.columns : packer.kept);
  header.offsets_at = static_cast<uint32_t>(layout.offsets / kAlignment);
  header.scales_at = static_cast<uint32_t>(layout.scales / kAlignment);
  header.sums_at = static_cast<uint32_t>(layout.sums / kAlignment);
  header.index_at = static_cast<uint32_t>(layout.index / kAlignment);
  header.values_at = static_cast<uint32_t>(layout.values / kAlignment);
  std::memcpy(blob, &header, sizeof header);

  int64_t at = sizeof header;
  const auto put = [&](int64_t place, const void* data, int64_t bytes) {
    std::memset(blob + at, 0, place - at);
    if (bytes > 0) std::memcpy(blob + place, data, bytes);
    at = place + bytes;
  };
  put(layout.offsets, packer.offsets.data(), static_cast<int64_t>(packer.offsets.size()) * 4);
  put(layout.scales, packer.scales.data(), static_cast<int64_t>(packer.scales.size()));
  put(layout.sums, packer.sums.data(), static_cast<int64_t>(packer.sums.size()) * 4);
  put(layout.index, packer.index.data(), static_cast<int64_t>(packer.index.size()));
  put(layout.values, packer.values.data(), static_cast<int64_t>(packer.values.size()));
  put(layout.total, nullptr, 0);
}

}  // namespace mlp
