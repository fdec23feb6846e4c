// Every client's camera.
#include "experiments/data/feature_shift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/packed.h"

namespace atl::workbench {
namespace {

using testing::expect_error;

// `count` images of 3 channels, 4x5.
std::shared_ptr<data::Dataset> images(size_t count) {
  auto set = std::make_shared<data::Dataset>();
  set->name = "images";
  set->shape = {3, 4, 5};
  set->classes = 2;
  for (size_t i = 0; i < count; ++i) {
    set->labels.push_back(i % 2);
    for (size_t j = 0; j < 60; ++j)
      set->bytes.push_back(static_cast<uint8_t>((i * 89 + j * 37) % 251));
  }
  set->mean = set->std = {0.5F, 0.5F, 0.5F};
  return set;
}

std::vector<uint8_t> image(const data::Dataset& set, size_t i) {
  const auto first = set.bytes.begin() + static_cast<std::ptrdiff_t>(60 * i);
  return {first, first + 60};
}

TEST(FeatureShift, ACameraOfItsOwnForEveryNameAndSeed) {
  const auto one = camera_of(1, "client-1", 3);
  EXPECT_EQ(camera_of(1, "client-1", 3).offset, one.offset);
  EXPECT_NE(camera_of(1, "client-2", 3).offset, one.offset);
  EXPECT_NE(camera_of(2, "client-1", 3).contrast, one.contrast);
  bool blurs = false, sharp = false;
  for (int i = 0; i < 50; ++i) {
    const auto camera = camera_of(3, "client-" + std::to_string(i), 3);
    EXPECT_LE(std::abs(camera.offset), 64);
    EXPECT_GE(camera.contrast, 0.5);
    EXPECT_LE(camera.contrast, 2);
    EXPECT_TRUE(std::is_permutation(camera.channels.begin(), camera.channels.begin() + 3,
                                    std::array<uint8_t, 3>{0, 1, 2}.begin()));
    blurs = blurs || camera.blur;
    sharp = sharp || !camera.blur;
  }
  EXPECT_TRUE(blurs && sharp);
}

TEST(FeatureShift, WhatACameraDoes) {
  const auto set = images(2);
  Camera camera;
  camera.channels = {2, 0, 1, 3};
  auto permuted = *set;
  look_through(camera, permuted, 1);
  EXPECT_EQ(image(permuted, 0), image(*set, 0));
  for (size_t j = 0; j < 60; ++j)
    EXPECT_EQ(image(permuted, 1)[j], image(*set, 1)[(j + 40) % 60]) << j;

  auto exposed = *set;
  look_through({.offset = 10, .contrast = 2}, exposed, 0);
  for (size_t j = 0; j < 60; ++j) {
    const double level = 127.5 + 2 * (image(*set, 0)[j] - 127.5) + 10;
    EXPECT_NEAR(image(exposed, 0)[j], std::clamp(level, 0.0, 255.0), 0.5);
  }

  auto blurred = *set;
  look_through({.blur = true}, blurred, 0);
  const auto before = image(*set, 0), after = image(blurred, 0);
  int middle = 0, corner = 0;  // of the first channel: (1, 1), and (0, 0) with repeated borders
  for (const size_t y : {0U, 1U, 2U})
    middle += before[5 * y] + before[5 * y + 1] + before[5 * y + 2];
  corner = 4 * before[0] + 2 * before[1] + 2 * before[5] + before[6];
  EXPECT_NEAR(after[6], middle / 9.0, 0.5);
  EXPECT_NEAR(after[0], corner / 9.0, 0.5);
}

TEST(FeatureShift, SharesSeeTheirOwnImagesAndTheOriginalTestPartStays) {
  const data::DataSplits splits{images(8), images(6)};
  std::vector<Share> shares{{"a", {0, 2, 4}, {1, 3}}, {"b", {1, 5}, {1}}};
  const auto shifted = shift_features(splits, 7, shares);
  ASSERT_TRUE(shifted.ok()) << shifted.error().message();
  const auto seen_by = [&](const char* name, std::shared_ptr<data::Dataset> set, size_t i) {
    look_through(camera_of(7, name, 3), *set, i);
    return image(*set, i);
  };
  EXPECT_EQ(shifted->train->size(), 8U);
  EXPECT_EQ(image(*shifted->train, 2), seen_by("a", images(8), 2));
  EXPECT_EQ(image(*shifted->train, 5), seen_by("b", images(8), 5));
  EXPECT_EQ(image(*shifted->train, 3), image(*splits.train, 3));  // nobody's
  ASSERT_EQ(shifted->test->size(), 9U);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(image(*shifted->test, i), image(*splits.test, i));
  EXPECT_EQ(shares[0].test, (data::Indices{6, 7}));
  EXPECT_EQ(shares[1].test, (data::Indices{8}));
  EXPECT_EQ(image(*shifted->test, 6), seen_by("a", images(6), 1));
  EXPECT_EQ(image(*shifted->test, 8), seen_by("b", images(6), 1));
  EXPECT_EQ(shifted->test->labels[8], splits.test->labels[1]);
  EXPECT_EQ(shifted->train->labels, splits.train->labels);
}

TEST(FeatureShift, NeedsImages) {
  auto rows = std::make_shared<data::Dataset>();
  rows->name = "rows";
  rows->shape = {4};
  rows->labels = {0};
  rows->values = {1, 2, 3, 4};
  std::vector<Share> shares;
  expect_error(shift_features({rows, images(1)}, 1, shares), ErrorCode::kData, {"rows", "images"});
}

}  // namespace
}  // namespace atl::workbench
