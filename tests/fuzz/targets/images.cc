// PNG and JPEG files: an image that is taken is whole, within its bounds, and stays so when its
// colour and size are changed.
#include "tests/support/images.h"
#include "client/data/image_file.h"
#include "tests/fuzz/target.h"

namespace atl::fuzz {
namespace {

constexpr uint64_t kMost = 1 << 20;  // pixels: a small file may claim, and hold, far more

void check(const data::Image& image) {
  ATOLL_CHECK(image.channels == 1 || image.channels == 3, "grey or RGB");
  ATOLL_CHECK(image.pixels.size() == uint64_t{image.height} * image.width * image.channels,
              "whole");
}

void run(ByteView input) {
  auto image = data::decode_image(input, "image");
  if (!image) {
    ATOLL_CHECK(image.error().code() == ErrorCode::kData, "the file's fault");
    return;
  }
  check(*image);
  ATOLL_CHECK(uint64_t{image->height} * image->width <= data::kMaxPixels, "within the bounds");
  if (uint64_t{image->height} * image->width > kMost) return;
  check(data::resized(*image, 3, 5));
  check(data::with_channels(*image, image->channels == 1 ? 3 : 1));
}

std::vector<Bytes> seeds() {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 4 * 5 * 3; ++i) pixels.push_back(static_cast<uint8_t>(i * 4));
  const data::Image grey{1, 5, 12, pixels}, rgb{3, 4, 5, pixels};
  auto cut = data::encode_png(rgb);
  cut.resize(cut.size() / 2);
  return {data::encode_png(grey), data::encode_png(rgb), testing::jpeg_of(grey),
          testing::jpeg_of(rgb), cut};
}

const Registration registration({"images", run, seeds});

}  // namespace
}  // namespace atl::fuzz
