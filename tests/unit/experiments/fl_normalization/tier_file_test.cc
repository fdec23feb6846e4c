// Studies of one's own.
#include "experiments/fl_normalization/study/tier_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace atl::study {
namespace {

using atl::testing::TemporaryFolder;

class TierFile : public ::testing::Test {
 protected:
  Result<Tier> load(const std::string& text) {
    const auto path = folder_.path() + "/own.toml";
    EXPECT_TRUE(write_atomic(path, text).ok());
    return load_tier(path);
  }
  TemporaryFolder folder_;
};

TEST_F(TierFile, IsReadAsItStands) {
  const auto tier = load(R"x(
name = "pilot"
budget_minutes = 5
grid = [0.03, 0.1]
blocks = ["lab", "deep"]
[lab]
partition = "1cls"
clients = 100
images = 40
cohort = 10
epochs = 10
batch = 64
momentum = 0.5
methods = ["none", "bn(pooled)", "gn:2"]
seeds = [4, 5]
rounds = 70
[deep]
data = "fashion_mnist"
model = "vgg_mini"
methods = ["ln"]
may_go = true
)x");
  ASSERT_TRUE(tier.ok()) << tier.error().message();
  EXPECT_EQ(tier->name, "pilot");
  EXPECT_EQ(tier->grid, (std::vector<double>{0.03, 0.1}));
  ASSERT_EQ(tier->blocks.size(), 2U);
  const auto& lab = tier->blocks[0];
  EXPECT_EQ(lab.base.setting(), "cifar10-lenet-1cls-100x40-k10-e10-b64-m0.5-r50");
  EXPECT_EQ(lab.images, 70U * 10 * 40 * 10);
  EXPECT_EQ(lab.seeds, (std::vector<uint64_t>{4, 5}));
  ASSERT_EQ(lab.methods.size(), 3U);
  EXPECT_EQ(lab.methods[0].policy, "all");
  EXPECT_EQ(lab.methods[1].norm, "bn");
  EXPECT_EQ(lab.methods[1].policy, "pooled");
  EXPECT_EQ(lab.methods[2].norm, "gn:2");
  EXPECT_EQ(tier->blocks[1].base.data, "fashion_mnist");
  EXPECT_EQ(tier->blocks[1].seeds.size(), 3U);
  EXPECT_TRUE(tier->blocks[1].may_go);
}

TEST_F(TierFile, OfTheStudysPageAreRead) {
  const auto study = std::string(ATOLL_GOLDEN) + "/../../experiments/fl_normalization/";
  const auto depth = load_tier(study + "depth.toml");
  ASSERT_TRUE(depth.ok()) << depth.error().message();
  EXPECT_EQ(depth->blocks.size(), 4U);
  const auto page = read_text(study + "README.md").value();
  const auto from = page.find("name = \"lab\"");
  ASSERT_NE(from, std::string::npos);
  const auto shown = load(page.substr(from, page.find("```", from) - from));
  ASSERT_TRUE(shown.ok()) << shown.error().message();
  EXPECT_EQ(shown->blocks.front().methods.size(), 6U);
}

TEST_F(TierFile, SaysEveryMistakeWithItsLine) {
  const auto mistakes = load(R"x(grid = [0]
blocks = ["a"]
[a]
partition = "3"
methods = ["bn(pooled"]
seeds = [1000]
cohort = 30
imags = 4
)x");
  ASSERT_FALSE(mistakes.ok());
  EXPECT_EQ(mistakes.error().code(), ErrorCode::kConfig);
  for (const char* part : {":1: grid", ":4: a.partition", ":5: a.methods", "bn(pooled",
                           ":6: a.seeds", "tuning seed", ":7: a.cohort", "imags"})
    EXPECT_THAT(mistakes.error().message(), ::testing::HasSubstr(part));
  EXPECT_THAT(load("grid = [0.1]\n").error().message(), ::testing::HasSubstr("blocks"));
  for (const char* bad : {"", "(all)", "bn()", "bn(all", "bn(all)x"})
    EXPECT_EQ(parse_method(bad).error().code(), ErrorCode::kConfig) << bad;
}

}  // namespace
}  // namespace atl::study
