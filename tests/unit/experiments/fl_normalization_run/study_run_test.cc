// A study is stopped and goes on; two devices drift apart.
#include "experiments/fl_normalization/run/study_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <mutex>

#include "common/core/file.h"
#include "experiments/fl_normalization/run/two_devices.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/experiments/fl_normalization_run/made_set.h"

namespace atl::study {
namespace {

using atl::testing::TemporaryFolder;

Tier made_tier() {
  Tier tier{.name = "smoke", .budget_minutes = 100, .grid = {0.02, 0.1}, .probe_seconds = 0.01};
  Block block;
  block.base = testing::made_cell();
  block.methods = {{"bn"}, {"ln"}};
  block.seeds = {1, 2};
  block.images = 6 * block.base.images_per_round();
  block.least_rounds = 6;
  block.measures = 2;
  tier.blocks = {block};
  return tier;
}

class StudyRun : public ::testing::Test {
 protected:
  StudyRun() {
    testing::put_made_set(data);
    options.folder = folder.path() + "/study";
  }
  StudyData data;
  TemporaryFolder folder;
  StudyOptions options;
};

TEST_F(StudyRun, GoesOnWithTheCellsThatAreMissingAndSaysTheSame) {
  std::vector<std::string> said;
  std::mutex mutex;
  options.say = [&](const std::string& text) {
    std::lock_guard lock(mutex);
    if (text[0] == '[') said.push_back(text);
  };
  const auto plan = plan_of(made_tier(), data, 2, options);
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  const auto whole = run_study(*plan, data, options);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  EXPECT_EQ((*whole)->missing(), 0U);
  EXPECT_EQ(said.size(), 2U * 2 + 4);
  EXPECT_EQ((*whole)->rates.size(), 2U);
  const auto curve = read_text(options.folder + "/curve.csv").value();

  said.clear();
  std::filesystem::remove(result_path(options.folder, (*whole)->results[1].cell));
  const auto again = plan_of(made_tier(), data, 1, options);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->cells, plan->cells);
  ASSERT_TRUE(run_study(*again, data, options).ok());
  EXPECT_EQ(said.size(), 1U);
  EXPECT_EQ(read_text(options.folder + "/curve.csv").value(), curve);

  auto other = made_tier();
  other.budget_minutes = 5;
  EXPECT_EQ(plan_of(other, data, 2, options).error().code(), ErrorCode::kConfig);
}

TEST_F(StudyRun, ATierThatChangedIsRefusedAndKeepsItsCellsWithoutTheOldPlan) {
  size_t trained = 0;
  options.say = [&](const std::string& text) { trained += text[0] == '[' ? 1 : 0; };
  auto tier = made_tier();
  const auto plan = plan_of(tier, data, 1, options);
  ASSERT_TRUE(run_study(*plan, data, options).ok());

  tier.grid.push_back(0.2);
  const auto refused = plan_of(tier, data, 1, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);

  std::filesystem::remove(options.folder + "/plan.json");
  const auto wider = plan_of(tier, data, 1, options);
  ASSERT_TRUE(wider.ok()) << wider.error().message();
  EXPECT_EQ(wider->tuning.size(), plan->tuning.size() * tier.grid.size() / (tier.grid.size() - 1));
  trained = 0;
  const auto report = run_study(*wider, data, options);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ((*report)->missing(), 0U);
  // The new rate of both norms, and the runs of a norm that is best with it.
  const size_t added = wider->tuning.size() - plan->tuning.size();
  EXPECT_GE(trained, added);
  EXPECT_LE(trained, added + plan->cells.size());
}

TEST_F(StudyRun, PausesBetweenCellsAndReportsWhatThereIs) {
  options.pause_after_minutes = 1e-9;
  const auto plan = plan_of(made_tier(), data, 1, options);
  ASSERT_TRUE(plan.ok());
  const auto report = run_study(*plan, data, options);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ((*report)->done(), 0U);
  EXPECT_EQ((*report)->missing(), 8U);
  EXPECT_TRUE(exists(options.folder + "/report.html"));
}

TEST(TwoDevices, StoredStatisticsFitNobodyAndWithoutThemThereIsNothingToMisfit) {
  StudyData data;
  testing::put_made_set(data);
  TwoDevicesOptions options;
  options.set = "made";
  options.norms = {"bn", "ln"};
  options.epochs = {2};
  options.images = 100;
  const auto result = run_two_devices(options, data);
  ASSERT_TRUE(result.ok()) << result.error().message();
  ASSERT_EQ(result->layers.rows.size(), 2U * 2 * 3);  // variants, norms, layers
  for (size_t i = 0; i < result->layers.rows.size(); ++i) {
    const bool bn = result->layers.text(i, "norm") == "bn";
    const double off = result->layers.number(i, "M_all");
    EXPECT_TRUE(bn ? off > 0 : off == 0) << "row " << i;
    EXPECT_EQ(std::isnan(result->layers.number(i, "R_mu")), !bn);
    EXPECT_GT(result->layers.number(i, "G_mu"), 0);
  }
  EXPECT_EQ(result->accuracy.rows.size(), 2U * 2 * 5);
  // The scale of a weight in front of a norm changes nothing about B's own model, but its share.
  ASSERT_EQ(result->obliteration.rows.size(), 2U * 3);
  for (size_t i = 0; i < 6; i += 3) {
    const auto local = [&](size_t row) { return result->obliteration.number(row, "local_B"); };
    EXPECT_NEAR(local(i), local(i + 2), 0.03);
    EXPECT_LT(result->obliteration.number(i + 2, "N_eff"), result->obliteration.number(i, "N_eff"));
  }
  TemporaryFolder folder;
  ASSERT_TRUE(write_files(*result, folder.path()).ok());
  EXPECT_NE(to_text(*result).find("M_pooled"), std::string::npos);
}

}  // namespace
}  // namespace atl::study
