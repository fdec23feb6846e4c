#include "models/kernels/gather_images.h"

#include <algorithm>

// For the wider registers too, where the machine has them. Lanes do not mix, so the bits are the
// same.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ATOLL_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define ATOLL_WIDE
#endif

namespace atl::kernels {
namespace {

inline void plain_line(const uint8_t* from, float* to, int64_t count, float scale, float shift) {
  for (int64_t i = 0; i < count; ++i) to[i] = normalize_pixel(from[i], scale, shift);
}

// Without augmentation a plane is one straight line through memory.
ATOLL_WIDE
void plain_image(const GatherImages& g, int64_t b) {
  const int64_t plane = static_cast<int64_t>(g.height) * g.width;
  const auto* from = g.pixels + g.indices[b] * g.image_elements();
  auto* to = g.out + b * g.image_elements();
  for (int32_t c = 0; c < g.channels; ++c)
    plain_line(from + c * plane, to + c * plane, plane, g.scale[c], g.shift[c]);
}

// With it a row is padding, a straight line, padding; then perhaps mirrored.
ATOLL_WIDE
void augmented_image(const GatherImages& g, int64_t b) {
  const int32_t down = g.crop_y[b] - kCropPad, right = g.crop_x[b] - kCropPad;
  const int32_t first = std::clamp(-right, 0, g.width);
  const int32_t last = std::clamp(g.width - right, first, g.width);
  const auto* image = g.pixels + g.indices[b] * g.image_elements();
  auto* to = g.out + b * g.image_elements();
  for (int32_t c = 0; c < g.channels; ++c) {
    const float scale = g.scale[c], shift = g.shift[c];
    const float padding = normalize_pixel(0, scale, shift);
    for (int32_t y = 0; y < g.height; ++y, to += g.width) {
      const int32_t from_y = y + down;
      const bool inside = from_y >= 0 && from_y < g.height;
      const int32_t begin = inside ? first : g.width, end = inside ? last : g.width;
      const int64_t from = (static_cast<int64_t>(c) * g.height + from_y) * g.width + right;
      std::fill(to, to + begin, padding);
      if (inside) plain_line(image + (from + begin), to + begin, end - begin, scale, shift);
      std::fill(to + end, to + g.width, padding);
      if (g.flip[b] != 0) std::reverse(to, to + g.width);
    }
  }
}

}  // namespace

void gather_images_cpu(const GatherImages& g) {
  for (int64_t b = 0; b < g.batch; ++b)
    g.crop_y != nullptr ? augmented_image(g, b) : plain_image(g, b);
}

}  // namespace atl::kernels
