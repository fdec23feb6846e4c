// The claims that are tested rather than repeated, on results whose answer is known.
#include "experiments/fl_normalization/analysis/claims.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/experiments/fl_normalization/made_results.h"

namespace atl::study {
namespace {

using testing::made;

// N_eff and OI of two measured rounds.
CellResult contributing(const std::string& norm, uint64_t seed, double n_eff, double oi) {
  Cell cell;
  cell.cohort = 4;
  auto result = made(cell, norm, seed, 0.4);
  result.rounds.add({1.0, n_eff - 0.5, oi});
  result.rounds.add({2.0, n_eff + 0.5, oi});
  for (const double round : {1.0, 2.0}) {
    for (const double k : {0.0, 1.0})
      result.contrib.add({round, "client-" + std::to_string(static_cast<int>(k)), 0.5, 0.5, 1.0,
                          1 + k * round, 1.0, 0.9 - 0.1 * k, 0.0, 0.0});
  }
  return result;
}

std::vector<CellResult> seeds(const std::string& norm, double n_eff, double oi, double wobble) {
  return {contributing(norm, 1, n_eff, oi), contributing(norm, 2, n_eff + wobble, oi + wobble),
          contributing(norm, 3, n_eff - wobble, oi - wobble)};
}

std::vector<Obliteration> judge(std::vector<CellResult> bare,
                                const std::vector<CellResult>& other) {
  static std::vector<CellResult> results;  // settings point into it
  results = std::move(bare);
  results.insert(results.end(), other.begin(), other.end());
  static std::vector<Setting> settings;
  settings = settings_of(results);
  return obliterations(settings);
}

TEST(Claims, ObliterationNeedsBothMeasuresAndAnIntervalApartFromZero) {
  const auto yes = judge(seeds("none", 2, 0.4, 0.01), seeds("ln", 3.5, 0.05, 0.02));
  ASSERT_EQ(yes.size(), 1U);
  EXPECT_EQ(yes[0].method, "ln");
  EXPECT_NEAR(yes[0].oi.mean, 0.35, 1e-9);
  EXPECT_NEAR(yes[0].n_eff.mean, -1.5 / 4, 1e-9);
  EXPECT_NEAR(yes[0].norm_spread.mean, 0, 1e-12);
  EXPECT_EQ(yes[0].judged, "yes");
  EXPECT_EQ(judge(seeds("none", 3.5, 0.05, 0.02), seeds("ln", 2, 0.4, 0.01))[0].judged, "reversed");
  EXPECT_EQ(judge(seeds("none", 3.5, 0.4, 0.02), seeds("ln", 2, 0.1, 0.01))[0].judged, "mixed");
  EXPECT_EQ(judge(seeds("none", 3.4, 0.1, 0.1), seeds("ln", 3.5, 0.05, 0.01))[0].judged,
            "no difference");
  EXPECT_TRUE(judge({}, seeds("ln", 3.5, 0.05, 0.01)).empty());
  EXPECT_EQ(judge({contributing("none", 1, 1, 1)}, {contributing("ln", 1, 4, 0)})[0].judged,
            "no difference")
      << "one seed has no interval";
}

TEST(Claims, FiguresAreMeansOverMeasuredRounds) {
  const auto f = figures_of(contributing("ln", 1, 3, 0.25));
  EXPECT_NEAR(f.n_eff, 3.0 / 4, 1e-12);
  EXPECT_NEAR(f.oi, 0.25, 1e-12);
  EXPECT_NEAR(f.norm_spread, (2 + 3) / 2.0, 1e-12);
  EXPECT_NEAR(f.least_retention, 0.8, 1e-12);
}

// A run whose stored statistics lose `lost` points to those of the batch.
CellResult mismatched(const std::string& policy, uint64_t seed, double mismatch, double lost) {
  Cell cell;
  cell.policy = policy;
  cell.seed = seed;
  CellResult r;
  r.cell = cell;
  for (int i = 0; i < 6; ++i)
    r.curve.add({static_cast<double>(i), 0.0, 0.0, 0.0, 50.0, 0.4, 1.0, 0.4 + lost / 100,
                 0.4 + lost / 200, NAN, NAN});
  r.bn.add({6.0, "norm1", 0.1, 0.1, mismatch});
  return r;
}

TEST(Claims, TheMismatchIsSetBesideWhatItCosts) {
  const std::vector<CellResult> results{
      mismatched("all", 1, 0.3, 4), mismatched("all", 2, 0.2, 2), mismatched("all", 3, 0.1, 1),
      mismatched("pooled", 1, 0.02, 0.5), made(Cell(), "ln", 1, 0.4)};
  const auto settings = settings_of(results);
  const auto costs = mismatch_costs(settings);
  ASSERT_EQ(costs.size(), 3U);
  EXPECT_EQ(costs[0].method, "all of them");
  EXPECT_EQ(costs[0].cost.runs, 4U);
  EXPECT_NEAR(costs[0].cost.correlation_batch, 1, 1e-9);
  EXPECT_EQ(costs[1].method, "bn(all)");
  EXPECT_NEAR(costs[1].cost.mean_mismatch, 0.2, 1e-9);
  EXPECT_NEAR(costs[1].cost.lost_to_batch, 7.0 / 3, 1e-9);
  EXPECT_NEAR(costs[1].cost.lost_to_recalibrated, 3.5 / 3, 1e-9);
  EXPECT_EQ(costs[2].method, "bn(pooled)");
  EXPECT_TRUE(std::isnan(costs[2].cost.correlation_batch));
  EXPECT_TRUE(mismatch_costs({}).empty());
}

}  // namespace
}  // namespace atl::study
