// Subsets and padded variants of a data set.
#include "experiments/data/derive.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/packed.h"

namespace atl::workbench {
namespace {

using testing::expect_error;

// 2x3 images of two channels whose bytes count up, labels 0 0 1 0 0 1 ...
data::SharedDataset images(size_t count) {
  auto set = std::make_shared<data::Dataset>();
  set->name = "images";
  set->shape = {2, 2, 3};
  set->classes = 2;
  for (size_t i = 0; i < count; ++i) {
    set->labels.push_back(i % 3 == 2 ? 1 : 0);
    for (size_t j = 0; j < 12; ++j) set->bytes.push_back(static_cast<uint8_t>(12 * i + j + 1));
  }
  set->mean = {0.5F, 0.5F};
  set->std = {0.25F, 0.25F};
  return set;
}

TEST(Derive, AStratifiedSubsetHasEveryClassAlikeAndKeepsImagesWhole) {
  const auto set = images(21);
  const auto part = stratified_subset(set, 9, 4);
  ASSERT_TRUE(part.ok()) << part.error().message();
  EXPECT_EQ(std::count((*part)->labels.begin(), (*part)->labels.end(), 0U), 5);
  EXPECT_EQ(std::count((*part)->labels.begin(), (*part)->labels.end(), 1U), 4);
  const auto chosen = stratified_indices(*set, 9, 4);
  ASSERT_TRUE(chosen.ok());
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ((*part)->labels[i], set->labels[(*chosen)[i]]);
    EXPECT_TRUE(std::equal((*part)->bytes.begin() + static_cast<ptrdiff_t>(12 * i),
                           (*part)->bytes.begin() + static_cast<ptrdiff_t>(12 * i + 12),
                           set->bytes.begin() + 12 * (*chosen)[i]));
  }
  EXPECT_EQ(*stratified_indices(*set, 9, 4), *chosen);
  EXPECT_NE(*stratified_indices(*set, 9, 5), *chosen);
}

TEST(Derive, PartsHaveNothingInCommon) {
  const auto parts = stratified_parts(*images(21), {6, 8}, 2);
  ASSERT_TRUE(parts.ok()) << parts.error().message();
  data::Indices all = (*parts)[0];
  all.insert(all.end(), (*parts)[1].begin(), (*parts)[1].end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all.size(), 14U);
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(Derive, ASubsetThatIsTooLargeSaysWhatThereIs) {
  const auto part = stratified_subset(images(21), 16, 1);  // 7 of class 1, 8 wanted
  expect_error(part, ErrorCode::kData, {"8 of class 1", "has 7"});
  EXPECT_NE(part.error().hint().find("14"), std::string::npos);
}

TEST(Derive, PaddingPutsTheImageInTheMiddleOfBlack) {
  const auto out = padded(images(1), 5);
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ((*out)->shape, (std::vector<int64_t>{2, 5, 5}));
  const std::vector<uint8_t> first_plane{0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 4, 5,
                                         6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  ASSERT_EQ((*out)->bytes.size(), 50U);
  EXPECT_TRUE(std::equal(first_plane.begin(), first_plane.end(), (*out)->bytes.begin()));
  EXPECT_EQ((*out)->bytes[25 + 6], 7);
  EXPECT_EQ((*out)->mean, images(1)->mean);
}

TEST(Derive, PaddingTakesImagesOnlyAndNoLargerOnes) {
  EXPECT_FALSE(padded(images(1), 2).ok());
  auto rows = std::make_shared<data::Dataset>();
  rows->name = "rows";
  rows->shape = {3};
  EXPECT_EQ(padded(rows, 32).error().code(), ErrorCode::kData);
}

}  // namespace
}  // namespace atl::workbench
