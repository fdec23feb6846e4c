// One image from a PNG or JPEG file, in grey levels or RGB of 8 bits.
//
// The first bytes decide which it is. PNG: any kind; 16 bits become 8, a palette its colours, what
// is transparent is put on black. JPEG: grey or colour, decoded with the accurate transform, so
// that the pixels depend on libjpeg's version alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

inline constexpr uint64_t kMaxPixels = uint64_t{1} << 26;  // of one image

struct Image {
  uint32_t channels = 0;  // 1: grey, 3: RGB
  uint32_t height = 0, width = 0;
  std::vector<uint8_t> pixels;  // [H, W, C]
};

// The size that the header claims is checked before anything is allocated for it. kData, naming the
// file, when it is neither kind, damaged, truncated, or larger than kMaxPixels.
Result<Image> decode_image(ByteView file, const std::string& name);

Bytes encode_png(const Image& image);

// Grey becomes RGB by repetition; RGB becomes grey by (299 R + 587 G + 114 B + 500) / 1000.
Image with_channels(Image image, uint32_t channels);
// Every pixel is the mean of what it covers of the old image, in whole numbers (rounded): exact, so
// equal on every machine.
Image resized(const Image& image, uint32_t height, uint32_t width);

}  // namespace atl::data
