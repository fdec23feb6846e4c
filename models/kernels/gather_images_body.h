// One element of gather_images, for the CPU and the GPU alike. No LibTorch, no CUDA headers.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define ATOLL_HOST_DEVICE __host__ __device__
#else
#define ATOLL_HOST_DEVICE
#endif

namespace atl::kernels {

// Pixels that the crop may move an image by, in each direction.
constexpr int32_t kCropPad = 4;

// out[b, c, y, x] = scale[c] * pixels[indices[b], c, y', x'] + shift[c]. Without augmentation
// (crop_y == nullptr) y' = y and x' = x. With it the image is padded by 4 pixels of byte 0, cropped
// to its size at (crop_y[b], crop_x[b]), both in 0 ... 8 with 4 in the middle, and mirrored from
// left to right where flip[b] is not 0.
//
// All pointers lie in the memory of the one who runs it. Owns nothing.
struct GatherImages {
  const uint8_t* pixels = nullptr;    // [images, C, H, W]
  const uint32_t* indices = nullptr;  // [batch]
  const float* scale = nullptr;       // [C]
  const float* shift = nullptr;       // [C]
  const uint8_t* crop_y = nullptr;    // [batch], or all three null
  const uint8_t* crop_x = nullptr;
  const uint8_t* flip = nullptr;
  float* out = nullptr;  // [batch, C, H, W]
  int64_t batch = 0;
  int32_t channels = 0, height = 0, width = 0;

  ATOLL_HOST_DEVICE int64_t image_elements() const {
    return static_cast<int64_t>(channels) * height * width;
  }
  ATOLL_HOST_DEVICE int64_t elements() const { return batch * image_elements(); }
};

// Two roundings, never a fused multiply-add: the same bits on every device.
ATOLL_HOST_DEVICE inline float normalize_pixel(uint8_t pixel, float scale, float shift) {
#ifdef __CUDA_ARCH__
  return __fadd_rn(__fmul_rn(static_cast<float>(pixel), scale), shift);
#else
  const float scaled = static_cast<float>(pixel) * scale;
  return scaled + shift;
#endif
}

ATOLL_HOST_DEVICE inline void gather_images_element(const GatherImages& g, int64_t i) {
  const auto x = static_cast<int32_t>(i % g.width);
  const auto y = static_cast<int32_t>(i / g.width % g.height);
  const auto plane = i / (static_cast<int64_t>(g.width) * g.height);
  const auto c = static_cast<int32_t>(plane % g.channels);
  const auto b = plane / g.channels;
  int32_t from_y = y, from_x = x;
  if (g.crop_y != nullptr) {
    from_y = y + g.crop_y[b] - kCropPad;
    from_x = (g.flip[b] != 0 ? g.width - 1 - x : x) + g.crop_x[b] - kCropPad;
  }
  uint8_t pixel = 0;
  if (from_y >= 0 && from_y < g.height && from_x >= 0 && from_x < g.width) {
    pixel = g.pixels[g.indices[b] * g.image_elements() +
                     (static_cast<int64_t>(c) * g.height + from_y) * g.width + from_x];
  }
  g.out[i] = normalize_pixel(pixel, g.scale[c], g.shift[c]);
}

// The launch: one thread an element, `kGatherThreads` threads a block.
constexpr int32_t kGatherThreads = 256;
ATOLL_HOST_DEVICE inline int64_t gather_images_blocks(const GatherImages& g) {
  return (g.elements() + kGatherThreads - 1) / kGatherThreads;
}
ATOLL_HOST_DEVICE inline void gather_images_thread(const GatherImages& g, int64_t block,
                                                   int32_t thread) {
  const int64_t i = block * kGatherThreads + thread;
  if (i < g.elements()) gather_images_element(g, i);
}

}  // namespace atl::kernels
