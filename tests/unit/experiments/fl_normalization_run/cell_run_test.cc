// One cell over the real server and client loops: what is measured, that it can be repeated, and
// that looking changes nothing.
#include "experiments/fl_normalization/run/cell_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tests/unit/experiments/fl_normalization_run/made_set.h"

namespace atl::study {
namespace {

using atl::testing::TemporaryFolder;
using testing::made_cell;

CellResult run(const Cell& cell, StudyData& data, std::optional<uint64_t> shuffle = {}) {
  TemporaryFolder folder;
  auto result = run_cell(cell, data, {folder.path() + "/scratch", "cpu", shuffle});
  EXPECT_TRUE(result.ok()) << (result ? "" : result.error().message());
  return std::move(result).value();
}

// Everything but the times.
std::string timeless(CellResult result) {
  result.seconds = result.train_seconds = 0;
  return to_json(result);
}

TEST(CellRun, TheSameCellGivesTheSameTablesAlsoBesideAnother) {
  StudyData data;
  testing::put_made_set(data);
  const auto first = run(made_cell(), data);
  std::string beside;
  std::thread other([&] { beside = timeless(run(made_cell("ln"), data)); });
  EXPECT_EQ(timeless(run(made_cell(), data)), timeless(first));
  other.join();
  EXPECT_EQ(beside, timeless(run(made_cell("ln"), data)));
  auto another = made_cell();
  another.seed = 2;
  EXPECT_NE(csv_rows(run(another, data).curve), csv_rows(first.curve));
}

// T21
TEST(CellRun, TheOrderInWhichClientsComeChangesNoBit) {
  StudyData data;
  testing::put_made_set(data);
  const auto usual = timeless(run(made_cell(), data));
  for (const uint64_t seed : {7u, 77u}) EXPECT_EQ(timeless(run(made_cell(), data, seed)), usual);
}

TEST(CellRun, LookingChangesNoBit) {
  StudyData data;
  testing::put_made_set(data);
  auto blind = made_cell();
  blind.measure_every = 0;
  const auto seen = run(made_cell(), data), unseen = run(blind, data);
  EXPECT_EQ(seen.model_sha256, unseen.model_sha256);
  EXPECT_FALSE(seen.ecs.rows.empty());
  EXPECT_TRUE(unseen.ecs.rows.empty());
  EXPECT_TRUE(unseen.contrib.rows.empty());
}

TEST(CellRun, LearnsAndEvaluatesWhatWasAsked) {
  StudyData data;
  testing::put_made_set(data);
  auto cell = made_cell("ln");
  cell.partition = "iid";
  cell.rounds = 12;
  const auto result = run(cell, data);
  EXPECT_TRUE(result.failure.empty()) << result.failure;
  EXPECT_GT(result.curve.numbers("test_acc").back(), 0.9);
  std::vector<double> rounds;
  for (uint32_t round = 0; round <= cell.rounds; ++round) {
    if (evaluated(cell, round)) rounds.push_back(round);
  }
  EXPECT_EQ(result.curve.numbers("round"), rounds);
  const size_t last = result.curve.rows.size() - 1;
  EXPECT_EQ(result.curve.number(0, "test_images"), 100);
  EXPECT_EQ(result.curve.number(last, "test_images"), 200 - 25);
  EXPECT_EQ(result.curve.number(last, "images_seen"), 12 * 3 * 40);
  EXPECT_GT(result.curve.number(last, "bytes_up"), 12.0 * 3 * 4 * result.parameters);
  EXPECT_EQ(result.curve.number(last, "test_acc"), result.curve.number(last, "batch_acc"));
}

TEST(CellRun, MeasuresEveryLayerAndClient) {
  StudyData data;
  testing::put_made_set(data);
  const auto bn = run(made_cell(), data), ln = run(made_cell("ln"), data);
  EXPECT_EQ(bn.norm_slots, 2U);
  EXPECT_EQ(bn.ecs.rows.size(), 2U * 3 * 2 * 2);  // rounds 3 and 6, frames, layers, tensors
  EXPECT_EQ(bn.contrib.rows.size(), 2U * 3);
  std::map<double, double> shares;
  for (size_t i = 0; i < bn.contrib.rows.size(); ++i)
    shares[bn.contrib.number(i, "round")] += bn.contrib.number(i, "s");
  for (const auto& [round, sum] : shares) EXPECT_NEAR(sum, 1, 1e-9) << "round " << round;
  for (size_t i = 0; i < bn.ecs.rows.size(); ++i) {
    EXPECT_GT(bn.ecs.number(i, "W2"), 0);
    EXPECT_GE(bn.ecs.number(i, "JS"), 0);
    const bool has_cka = bn.ecs.text(i, "frame") == "model" && bn.ecs.text(i, "tensor") == "post";
    EXPECT_EQ(std::isnan(bn.ecs.number(i, "CKA")), !has_cka);
  }
  for (const double off : bn.bn.numbers("M")) EXPECT_GT(off, 0);
  EXPECT_EQ(ln.bn.numbers("M"), (std::vector<double>(4, 0.0)));
  EXPECT_TRUE(ln.bn.numbers("R_mu").empty());
  EXPECT_FALSE(bn.curve.numbers("local_acc_mean").empty());
}

TEST(CellRun, AllNormsBeginWithTheSameConvolutions) {
  StudyData data;
  testing::put_made_set(data);
  std::map<std::string, std::vector<double>> initial;
  for (const char* norm : {"bn", "ln", "none"}) {
    const auto result = run(made_cell(norm), data);
    for (size_t i = 0; i < result.norms.rows.size(); ++i) {
      if (result.norms.number(i, "round") != 0) continue;
      const auto& layer = result.norms.text(i, "layer");
      if (layer.rfind("norm", 0) != 0 && layer.find("weight") != std::string::npos)
        initial[layer].push_back(result.norms.number(i, "norm"));
    }
  }
  EXPECT_EQ(initial.size(), 5U);  // two convolutions, three linear layers
  for (const auto& [layer, norms] : initial) {
    EXPECT_EQ(norms, std::vector<double>(3, norms[0])) << layer;
  }
}

// With one local step, pooled moments leave every client with the same running statistics.
TEST(CellRun, FedTanTakesTheFirstStepOfARoundTogether) {
  StudyData data;
  testing::put_made_set(data);
  auto cell = made_cell();
  cell.batch = 40;
  const auto gap = [&](const char* policy) {
    cell.policy = policy;
    const auto result = run(cell, data);
    EXPECT_TRUE(result.failure.empty()) << result.failure;
    const auto gaps = result.bn.numbers("R_mu");
    EXPECT_EQ(gaps.size(), 2U * 2);
    return *std::max_element(gaps.begin(), gaps.end());
  };
  EXPECT_EQ(gap("fedtan"), 0);
  EXPECT_GT(gap("pooled"), 0.001);

  cell.batch = 16;  // then steps on one's own follow
  EXPECT_GT(gap("fedtan"), 0.001);
  EXPECT_EQ(timeless(run(cell, data)), timeless(run(cell, data)));
  cell.norm = "ln";
  TemporaryFolder folder;
  const auto refused = run_cell(cell, data, {folder.path() + "/x", "cpu"});
  EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);
}

TEST(CellRun, AShiftOfFeaturesIsInTheDataFrame) {
  StudyData data;
  testing::put_made_set(data);
  const auto shift = [&](const char* partition) {
    auto cell = made_cell("ln");
    cell.partition = partition;
    const auto result = run(cell, data);
    double most = 0;
    for (size_t i = 0; i < result.ecs.rows.size(); ++i) {
      if (result.ecs.text(i, "frame") == "data")
        most = std::max(most, result.ecs.number(i, "G_mu"));
    }
    return most;
  };
  EXPECT_GT(shift("fshift"), 3 * shift("iid"));
}

TEST(CellRun, ADivergedRunIsAResultAndABadCellIsAnError) {
  StudyData data;
  testing::put_made_set(data);
  auto wild = made_cell("none");
  wild.rate = 1e20;
  const auto result = run(wild, data);
  EXPECT_NE(result.failure.find("finite"), std::string::npos) << result.failure;
  TemporaryFolder folder;
  auto wrong = made_cell("nonsense");
  EXPECT_EQ(run_cell(wrong, data, {folder.path() + "/x", "cpu"}).error().code(),
            ErrorCode::kConfig);
  wrong = made_cell();
  wrong.clients = 40;
  wrong.images = 400;
  EXPECT_EQ(run_cell(wrong, data, {folder.path() + "/x", "cpu"}).error().code(), ErrorCode::kData);
}

}  // namespace
}  // namespace atl::study
