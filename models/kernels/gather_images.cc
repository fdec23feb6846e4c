#include "models/kernels/gather_images.h"

namespace atl::kernels {
namespace {

// A plane without augmentation is a straight line through memory, which the compiler vectorises:
// for the wider registers too, where the machine has them. Lanes do not mix, so the bits are the
// same.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx2", "default")))
#endif
void plain_plane(const uint8_t* from, float* to, int64_t count, float scale, float shift) {
  for (int64_t i = 0; i < count; ++i) to[i] = normalize_pixel(from[i], scale, shift);
}

}  // namespace

void gather_images_cpu(const GatherImages& g) {
  if (g.crop_y != nullptr) {
    for (int64_t i = 0; i < g.elements(); ++i) gather_images_element(g, i);
    return;
  }
  const int64_t plane = static_cast<int64_t>(g.height) * g.width;
  for (int64_t b = 0; b < g.batch; ++b) {
    const auto* image = g.pixels + g.indices[b] * g.image_elements();
    auto* out = g.out + b * g.image_elements();
    for (int32_t c = 0; c < g.channels; ++c)
      plain_plane(image + c * plane, out + c * plane, plane, g.scale[c], g.shift[c]);
  }
}

}  // namespace atl::kernels
