#include "models/kernels/gather_images.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "common/core/rng.h"

namespace atl::kernels {
namespace {

// A gather over random images, with room for its output.
struct Case {
  std::vector<uint8_t> pixels;
  std::vector<uint32_t> indices;
  std::vector<float> scale, shift, out;
  std::vector<uint8_t> crop_y, crop_x, flip;
  GatherImages gather;

  Case(Rng& rng, int32_t images, int32_t batch, int32_t channels, int32_t height, int32_t width,
       bool augment) {
    const auto size = static_cast<size_t>(channels * height * width);
    pixels.resize(static_cast<size_t>(images) * size);
    for (auto& p : pixels) p = static_cast<uint8_t>(rng.below(256));
    for (int32_t b = 0; b < batch; ++b) {
      indices.push_back(static_cast<uint32_t>(rng.below(static_cast<uint64_t>(images))));
      crop_y.push_back(static_cast<uint8_t>(rng.below(9)));
      crop_x.push_back(static_cast<uint8_t>(rng.below(9)));
      flip.push_back(static_cast<uint8_t>(rng.below(2)));
    }
    for (int32_t c = 0; c < channels; ++c) {
      scale.push_back(static_cast<float>(0.01 + rng.uniform()));
      shift.push_back(static_cast<float>(rng.normal()));
    }
    out.assign(static_cast<size_t>(batch) * size, -99);
    gather = {.pixels = pixels.data(),
              .indices = indices.data(),
              .scale = scale.data(),
              .shift = shift.data(),
              .out = out.data(),
              .batch = batch,
              .channels = channels,
              .height = height,
              .width = width};
    if (augment) {
      gather.crop_y = crop_y.data();
      gather.crop_x = crop_x.data();
      gather.flip = flip.data();
    }
  }
};

std::vector<uint32_t> bits(const std::vector<float>& values) {
  std::vector<uint32_t> out;
  for (float v : values) out.push_back(std::bit_cast<uint32_t>(v));
  return out;
}

// The very code of the kernel, over every block and thread of the launch, the surplus ones too.
std::vector<float> by_launch(Case& c) {
  std::fill(c.out.begin(), c.out.end(), -99.0f);
  for (int64_t block = 0; block < gather_images_blocks(c.gather); ++block)
    for (int32_t thread = 0; thread < kGatherThreads; ++thread)
      gather_images_thread(c.gather, block, thread);
  return c.out;
}

TEST(GatherImages, TheLaunchCoversWhatTheCpuTwinWrites) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed, "gather");
    Case c(rng, 1 + static_cast<int32_t>(rng.below(20)), static_cast<int32_t>(rng.below(9)),
           1 + static_cast<int32_t>(rng.below(4)), 1 + static_cast<int32_t>(rng.below(33)),
           1 + static_cast<int32_t>(rng.below(33)), seed % 2 == 0);
    gather_images_cpu(c.gather);
    const auto twin = bits(c.out);
    EXPECT_EQ(bits(by_launch(c)), twin);
  }
}

// Written without looking at the kernel: pad the image, cut the window, mirror it.
TEST(GatherImages, PadsCropsAndFlips) {
  Rng rng(3, "gather");
  Case c(rng, 5, 6, 2, 7, 9, true);
  gather_images_cpu(c.gather);
  for (int b = 0; b < 6; ++b) {
    for (int ch = 0; ch < 2; ++ch) {
      std::vector<std::vector<int>> padded(7 + 8, std::vector<int>(9 + 8, 0));
      const size_t image = c.indices[static_cast<size_t>(b)];
      for (int y = 0; y < 7; ++y) {
        for (int x = 0; x < 9; ++x) {
          padded[static_cast<size_t>(y + 4)][static_cast<size_t>(x + 4)] =
              c.pixels[(image * 2 + static_cast<size_t>(ch)) * 63 + static_cast<size_t>(y * 9 + x)];
        }
      }
      for (int y = 0; y < 7; ++y) {
        for (int x = 0; x < 9; ++x) {
          const auto at = static_cast<size_t>(b);
          const int column = c.flip[at] ? 8 - x : x;
          const auto pixel = static_cast<float>(padded[static_cast<size_t>(y + c.crop_y[at])]
                                                      [static_cast<size_t>(column + c.crop_x[at])]);
          const float scaled = pixel * c.scale[static_cast<size_t>(ch)];
          EXPECT_EQ(c.out[static_cast<size_t>(((b * 2 + ch) * 7 + y) * 9 + x)],
                    scaled + c.shift[static_cast<size_t>(ch)]);
        }
      }
    }
  }
}

TEST(GatherImages, TheMiddleCropIsNoAugmentation) {
  Rng rng(4, "gather");
  Case c(rng, 5, 6, 3, 8, 8, true);
  std::fill(c.crop_y.begin(), c.crop_y.end(), uint8_t{4});
  std::fill(c.crop_x.begin(), c.crop_x.end(), uint8_t{4});
  std::fill(c.flip.begin(), c.flip.end(), uint8_t{0});
  gather_images_cpu(c.gather);
  const auto augmented = bits(c.out);
  c.gather.crop_y = nullptr;
  gather_images_cpu(c.gather);
  EXPECT_EQ(bits(c.out), augmented);
}

}  // namespace
}  // namespace atl::kernels
