#include "experiments/data/partition_report.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "client/data/indices.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::workbench {
namespace {

using data::Dataset;

// Two clients, two classes: one has 3 of class 0 and 1 of class 1, the other 2 of class 1.
class Report : public ::testing::Test {
 protected:
  Report() {
    auto train = std::make_shared<Dataset>();
    train->name = "made";
    train->classes = 2;
    train->class_names = {"no", "yes"};
    train->labels = {0, 0, 0, 1, 1, 1};
    auto test = std::make_shared<Dataset>(*train);
    splits_ = {train, test};
    partition_.shares = {{"client-1", {0, 1, 2, 3}, {5}}, {"client-2", {4, 5}, {}}};
    partition_.sha256 = "abc";
  }
  data::DataSplits splits_;
  Partition partition_;
  PartitionSpec spec_;
};

TEST_F(Report, FiguresAreTheirDefinitions) {
  const auto report = report_partition(partition_, splits_);
  ASSERT_EQ(report.shares.size(), 2U);
  EXPECT_EQ(report.shares[0].per_class, (std::vector<size_t>{3, 1}));
  EXPECT_DOUBLE_EQ(report.shares[0].total_variation, 0.25);
  EXPECT_DOUBLE_EQ(report.shares[1].total_variation, 0.5);
  EXPECT_NEAR(report.shares[0].effective_classes,
              std::exp(-0.75 * std::log(0.75) - 0.25 * std::log(0.25)), 1e-12);
  EXPECT_DOUBLE_EQ(report.shares[1].effective_classes, 1);
  EXPECT_DOUBLE_EQ(report.mean_total_variation, 0.375);
  // Sizes 2 and 4: mean absolute difference 1 over all pairs, over twice the mean 3.
  EXPECT_NEAR(report.size_gini, 1.0 / 6, 1e-12);
}

TEST_F(Report, TheTableShowsClientsAndClasses) {
  const auto text = to_table(report_partition(partition_, splits_), splits_.train->class_names, 1);
  EXPECT_THAT(text, ::testing::HasSubstr("yes"));
  EXPECT_THAT(text, ::testing::HasSubstr("client-1"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("client-2")));
  EXPECT_THAT(text, ::testing::HasSubstr("and 1 more clients"));
}

TEST_F(Report, FilesComeBackAsTheShares) {
  testing::TemporaryFolder folder;
  const std::string out = folder.path() + "/a/b";
  ASSERT_TRUE(write_partition(out, spec_, partition_, splits_).ok());
  EXPECT_EQ(*data::read_indices(out + "/client-1.train.indices", 6), partition_.shares[0].train);
  EXPECT_EQ(*data::read_indices(out + "/client-1.test.indices", 6), partition_.shares[0].test);
  EXPECT_EQ(*data::read_indices(out + "/client-2.test.indices", 6), partition_.shares[1].test);
  const auto json = nlohmann::json::parse(*read_text(out + "/partition.json"));
  EXPECT_EQ(json["sha256"], "abc");
  EXPECT_EQ(json["set"], "made");
  EXPECT_EQ(json["shares"][1]["per_class"], (std::vector<int>{0, 2}));
  EXPECT_EQ(json["classes"][1], "yes");
}

TEST_F(Report, AFolderThatCannotBeMadeIsAnError) {
  testing::TemporaryFolder folder;
  testing::write_file(folder.path() + "/file", {});
  const auto written = write_partition(folder.path() + "/file/x", spec_, partition_, splits_);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace atl::workbench
