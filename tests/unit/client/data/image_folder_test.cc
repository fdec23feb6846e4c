#include "client/data/image_folder.h"

#include <filesystem>

#include "common/core/rng.h"
#include "tests/support/images.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers
using ::testing::ElementsAre;

Image noise(uint32_t channels, uint32_t height, uint32_t width, uint64_t seed) {
  Image image{channels, height, width, {}};
  Rng rng(seed, "image");
  for (uint32_t i = 0; i < channels * height * width; ++i)
    image.pixels.push_back(static_cast<uint8_t>(rng.below(256)));
  return image;
}

TEST(ImageFile, PngKeepsEveryPixel) {
  for (const uint32_t channels : {1u, 3u}) {
    const auto image = noise(channels, 7, 11, channels);
    const auto read = decode_image(encode_png(image), "x.png");
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->channels, channels);
    EXPECT_EQ(read->height, 7u);
    EXPECT_EQ(read->width, 11u);
    EXPECT_EQ(read->pixels, image.pixels);
  }
}

TEST(ImageFile, JpegIsNearToThePixels) {
  for (const uint32_t channels : {1u, 3u}) {
    Image smooth{channels, 16, 24, {}};
    for (uint32_t i = 0; i < 16 * 24 * channels; ++i)
      smooth.pixels.push_back(static_cast<uint8_t>(i / (24 * channels) * 8 + 40));
    const auto read = decode_image(jpeg_of(smooth), "x.jpg");
    ASSERT_TRUE(read.ok()) << read.error().message();
    ASSERT_EQ(read->pixels.size(), smooth.pixels.size());
    for (size_t i = 0; i < smooth.pixels.size(); ++i)
      EXPECT_NEAR(read->pixels[i], smooth.pixels[i], 3) << i;
  }
}

TEST(ImageFile, WhatIsNoImageIsRefused) {
  expect_error(decode_image({}, "x.png"), ErrorCode::kData, {"x.png", "is empty"});
  expect_error(decode_image(as_bytes("GIF89a"), "x.png"), ErrorCode::kData,
               {"neither a PNG nor a JPEG"});
  for (const auto& whole : {encode_png(noise(3, 20, 20, 1)), jpeg_of(noise(3, 20, 20, 1))}) {
    for (size_t length = 0; length + 16 < whole.size(); length += 7) {
      const auto read = decode_image(ByteView(whole).first(length), "cut");
      EXPECT_FALSE(read.ok()) << length << " of " << whole.size();
    }
  }
  auto claims = encode_png(noise(1, 4, 4, 1));  // the width stands behind the signature and IHDR
  claims[16] = std::byte{0x7f};
  expect_error(decode_image(claims, "huge.png"), ErrorCode::kData, {"huge.png"});
}

TEST(ImageFile, ChannelsAndSizesChangeByWholeNumbers) {
  const Image grey{1, 2, 2, {0, 100, 200, 255}};
  EXPECT_THAT(with_channels(grey, 3).pixels,
              ElementsAre(0, 0, 0, 100, 100, 100, 200, 200, 200, 255, 255, 255));
  EXPECT_EQ(with_channels(with_channels(grey, 3), 1).pixels, grey.pixels);
  EXPECT_THAT(with_channels({3, 1, 1, {255, 0, 0}}, 1).pixels, ElementsAre(76));
  EXPECT_THAT(resized(grey, 1, 1).pixels, ElementsAre(139));  // 138.75
  EXPECT_THAT(resized(grey, 2, 4).pixels, ElementsAre(0, 0, 100, 100, 200, 200, 255, 255));
  // Two of three: the middle one counts half in each.
  EXPECT_THAT(resized({1, 1, 3, {30, 60, 120}}, 1, 2).pixels, ElementsAre(40, 100));
  EXPECT_EQ(resized(noise(3, 5, 9, 2), 10, 18).pixels.size(), 3u * 10 * 18);
}

class ImageFolder : public ::testing::Test {
 protected:
  void write(const std::string& name, const Bytes& bytes) {
    const auto path = std::filesystem::path(folder_.path()) / name;
    std::filesystem::create_directories(path.parent_path());
    write_file(path.string(), bytes);
  }
  Result<ImageSplits> read(const ImageOptions& options = {}, uint32_t test_every = 0) {
    return read_image_folder(folder_.path() + "/train", "", options, test_every);
  }
  TemporaryFolder folder_;
};

TEST_F(ImageFolder, SubFoldersAreClassesInOrder) {
  const auto a = noise(3, 4, 5, 1), b = noise(3, 4, 5, 2), c = noise(3, 4, 5, 3);
  write("train/10/b.PNG", encode_png(b));
  write("train/10/a.png", encode_png(a));
  write("train/9/z.png", encode_png(c));
  write("train/9/.hidden", {});
  const auto splits = read();
  ASSERT_TRUE(splits.ok()) << splits.error().message();
  EXPECT_THAT(splits->train.class_names, ElementsAre("9", "10"));
  EXPECT_THAT(splits->train.labels, ElementsAre(0, 1, 1));
  EXPECT_THAT(splits->train.shape, ElementsAre(3, 4, 5));
  EXPECT_EQ(splits->test.size(), 0u);
  std::vector<uint8_t> planes;  // [C, H, W] of [H, W, C]
  for (const auto* image : {&c, &a, &b})
    for (size_t channel = 0; channel < 3; ++channel)
      for (size_t i = 0; i < 20; ++i) planes.push_back(image->pixels[3 * i + channel]);
  EXPECT_EQ(splits->train.bytes, planes);
}

TEST_F(ImageFolder, TestIsAFolderOrEveryNth) {
  for (int i = 0; i < 6; ++i)
    write("train/x/" + std::to_string(i) + ".png",
          encode_png(noise(1, 2, 2, static_cast<uint64_t>(i))));
  write("train/y/0.png", encode_png(noise(1, 2, 2, 9)));
  write("test/y/0.png", encode_png(noise(1, 2, 2, 8)));
  const auto nth = read({}, 3);
  ASSERT_TRUE(nth.ok()) << nth.error().message();
  EXPECT_EQ(nth->train.size(), 5u);
  EXPECT_EQ(nth->test.bytes.size(), 2u * 4);
  EXPECT_EQ(std::vector<uint8_t>(nth->test.bytes.begin(), nth->test.bytes.begin() + 4),
            noise(1, 2, 2, 2).pixels);
  const auto folder = read_image_folder(folder_.path() + "/train", folder_.path() + "/test", {}, 3);
  ASSERT_TRUE(folder.ok()) << folder.error().message();
  EXPECT_EQ(folder->train.size(), 7u);
  EXPECT_THAT(folder->test.labels, ElementsAre(1));
}

TEST_F(ImageFolder, OptionsMakeImagesAlike) {
  write("train/x/grey.png", encode_png(noise(1, 8, 8, 1)));
  write("train/x/rgb.png", encode_png(noise(3, 8, 8, 2)));
  expect_error(read(), ErrorCode::kData, {"rgb.png is 8 x 8 in RGB", "grey.png is 8 x 8 in grey"});
  ImageOptions options;
  options.color = "grey";
  ASSERT_TRUE(read(options).ok());
  write("train/x/small.png", encode_png(noise(1, 4, 8, 3)));
  expect_error(read(options), ErrorCode::kData, {"small.png is 4 x 8"});
  options.size = {4, 4};
  const auto splits = read(options);
  ASSERT_TRUE(splits.ok()) << splits.error().message();
  EXPECT_THAT(splits->train.shape, ElementsAre(1, 4, 4));
}

TEST_F(ImageFolder, ClassesMayBeGivenSoThatClientsAgree) {
  write("train/dog/1.png", encode_png(noise(1, 2, 2, 1)));
  ImageOptions options;
  options.classes = {"cat", "dog"};
  const auto splits = read(options);
  ASSERT_TRUE(splits.ok()) << splits.error().message();
  EXPECT_EQ(splits->train.classes, 2u);
  EXPECT_THAT(splits->train.labels, ElementsAre(1));
  options.classes = {"cat"};
  expect_error(read(options), ErrorCode::kData, {"dog is none of the classes"});
}

TEST_F(ImageFolder, WhatDoesNotBelongIsNamed) {
  expect_error(read(), ErrorCode::kData, {"cannot read the folder", "train"});
  write("train/x/1.png", encode_png(noise(1, 2, 2, 1)));
  write("train/notes.txt", {});
  expect_error(read(), ErrorCode::kData, {"notes.txt is no folder of a class"});
  std::filesystem::remove(folder_.path() + "/train/notes.txt");
  write("train/x/notes.txt", {});
  expect_error(read(), ErrorCode::kData, {"notes.txt is no image"});
  std::filesystem::remove(folder_.path() + "/train/x/notes.txt");
  write("train/x/2.png", to_bytes("not an image"));
  expect_error(read(), ErrorCode::kData, {"2.png", "neither a PNG nor a JPEG"});
}

TEST_F(ImageFolder, OneImageFitsASetOrIsRefused) {
  write("one.png", encode_png(noise(3, 8, 8, 1)));
  const auto path = folder_.path() + "/one.png";
  const auto grey = read_image_as(path, {1, 8, 8}, {});
  ASSERT_TRUE(grey.ok()) << grey.error().message();
  EXPECT_EQ(grey->bytes, with_channels(noise(3, 8, 8, 1), 1).pixels);
  expect_error(read_image_as(path, {1, 28, 28}, {}), ErrorCode::kData, {"one.png is 8 x 8"});
  ImageOptions options;
  options.size = {28, 28};
  EXPECT_TRUE(read_image_as(path, {3, 28, 28}, options).ok());
}

}  // namespace
}  // namespace atl::data
