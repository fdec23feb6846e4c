// Statistics, comparisons, verdicts and rules, on tables made by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "experiments/fl_normalization/analysis/regimes.h"
#include "experiments/fl_normalization/analysis/verdicts.h"
#include "tests/unit/experiments/fl_normalization/made_results.h"

namespace atl::study {
namespace {

using testing::made;

TEST(Statistics, StudentsIntervalOfThreeSeeds) {
  const std::vector<double> values{1, 2, 3};
  const auto interval = t_interval(values);  // 2 +- 4.303 / sqrt 3
  EXPECT_NEAR(interval.low, 2 - 2.484, 1e-3);
  EXPECT_NEAR(interval.high, 2 + 2.484, 1e-3);
  EXPECT_FALSE(interval.holds(-0.5));
  EXPECT_TRUE(std::isnan(t_interval(std::vector<double>{1}).low));
}

TEST(Statistics, BootstrapIntervalOfMany) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(i % 2);
  const auto interval = bootstrap_interval(values, 4000, 1);
  EXPECT_NEAR(interval.low, 0.40, 0.021);  // 0.5 -+ 1.96 * 0.05
  EXPECT_NEAR(interval.high, 0.60, 0.021);
}

TEST(Statistics, RanksAndSeparation) {
  const std::vector<double> x{1, 2, 3, 4}, rising{10, 20, 40, 80}, mixed{2, 1, 4, 3};
  EXPECT_DOUBLE_EQ(rank_correlation(x, rising), 1);
  EXPECT_DOUBLE_EQ(rank_correlation(x, mixed), 0.6);
  EXPECT_TRUE(std::isnan(rank_correlation(x, std::vector<double>{5, 5, 5, 5})));
  EXPECT_DOUBLE_EQ(separation(x, {false, false, true, true}), 1);
  EXPECT_DOUBLE_EQ(separation(x, {true, false, false, true}), 0.5);
  EXPECT_DOUBLE_EQ(separation(std::vector<double>{1, 1, 2}, {true, false, true}), 0.75);
}

TEST(Comparison, DifferencesArePairedBySeedAndFailuresStay) {
  const Cell cell;
  const std::vector<CellResult> results{
      made(cell, "bn", 1, 0.30),           made(cell, "bn", 2, 0.40),
      made(cell, "ln", 2, 0.43),           made(cell, "ln", 1, 0.31),
      made(cell, "bn", 1, 0.33, "pooled"), testing::failed(cell, "none", 1)};
  const auto settings = settings_of(results);
  ASSERT_EQ(settings.size(), 1U);
  const auto& setting = settings[0];
  ASSERT_EQ(setting.methods.size(), 4U);
  const auto difference = setting.difference("ln", "bn(all)");
  ASSERT_EQ(difference.by_seed.size(), 2U);
  EXPECT_NEAR(difference.by_seed[0], 1, 1e-9);
  EXPECT_NEAR(difference.by_seed[1], 3, 1e-9);
  EXPECT_NEAR(difference.mean, 2, 1e-9);
  EXPECT_NEAR(difference.interval.high, 2 + 12.706 * 1, 1e-6);  // sd sqrt 2, over sqrt 2
  EXPECT_EQ(setting.difference("bn(pooled)", "bn(all)").by_seed.size(), 1U);
  EXPECT_EQ(setting.find("none")->failed, 1U);
  EXPECT_TRUE(setting.difference("none", "bn(all)").by_seed.empty());
  EXPECT_TRUE(std::isnan(setting.difference("gn:2", "bn(all)").mean));
}

TEST(Comparison, FiguresOfACurve) {
  const auto f = figures_of(made(Cell(), {0.1, 0.2, 0.3, 0.4, 0.3, 0.5}));
  EXPECT_DOUBLE_EQ(f.best, 0.5);
  EXPECT_DOUBLE_EQ(f.final, (0.2 + 0.3 + 0.4 + 0.3 + 0.5) / 5);
  EXPECT_DOUBLE_EQ(f.rounds_to[0], 3);  // (0.2 + 0.3 + 0.4) / 3 = 0.3 >= 0.25
  EXPECT_DOUBLE_EQ(f.rounds_to[1], 5);  // (0.4 + 0.3 + 0.5) / 3 = 0.4 >= 0.35
  EXPECT_TRUE(std::isnan(f.rounds_to[2]));
  EXPECT_NEAR(f.area, (0.05 + 0.2 + 0.3 + 0.4 + 0.3 + 0.25) / 5, 1e-12);
}

std::string judged(const std::vector<Verdict>& all, const std::string& id) {
  for (const auto& verdict : all) {
    if (verdict.id == id) return verdict.judged;
  }
  return "";
}

TEST(Verdicts, FollowTheNumbersAndSayWhatWasNotTested) {
  Cell cell, deep, other;
  deep.model = "vgg11";
  other.partition = "iid";
  std::vector<CellResult> results{made(cell, "bn", 1, 0.30), made(cell, "ln", 1, 0.40),
                                  made(cell, "gn:2", 1, 0.405), made(other, "bn", 1, 0.60),
                                  made(other, "ln", 1, 0.50)};
  auto all = verdicts(settings_of(results));
  EXPECT_EQ(judged(all, "D1"), "holds");
  EXPECT_EQ(judged(all, "D2"), "holds");  // the setting with all classes everywhere has no say
  EXPECT_EQ(judged(all, "D3"), "not tested");
  EXPECT_EQ(judged(all, "D4"), "not tested");
  results.push_back(made(deep, "bn", 1, 0.30));
  results.push_back(made(deep, "ln", 1, 0.32));
  results.push_back(made(deep, "none", 1, 0.20));
  results.push_back(made(deep, "bn", 1, 0.305, "fixbn"));
  all = verdicts(settings_of(results));
  EXPECT_EQ(judged(all, "D2"), "does not hold");  // one architecture is enough
  EXPECT_EQ(judged(all, "D3"), "holds");
  EXPECT_EQ(judged(all, "D4"), "holds");
}

TEST(Verdicts, NetworksThatHardlyLearntHaveNoSay) {
  const Cell cell;
  std::vector<CellResult> results{made(cell, "bn", 1, 0.10), made(cell, "ln", 1, 0.19)};
  EXPECT_EQ(judged(verdicts(settings_of(results)), "D2"), "not tested");
  results.push_back(made(cell, "gn:2", 1, 0.25));
  EXPECT_EQ(judged(verdicts(settings_of(results)), "D2"), "holds");
}

TEST(Verdicts, FewestRounds) {
  Cell cell;
  const auto run = [&](const char* norm, std::vector<double> curve) {
    cell.norm = norm;
    return made(cell, curve);
  };
  std::vector<CellResult> results{run("ln", {0.4, 0.4, 0.4, 0.4}), run("bn", {0, 0.4, 0.4, 0.4})};
  EXPECT_EQ(judged(verdicts(settings_of(results)), "D5"), "holds");
  results[0] = run("ln", {0, 0, 0.4, 0.4});
  EXPECT_EQ(judged(verdicts(settings_of(results)), "D5"), "does not hold");
}

TEST(Rule, FindsTheSplitsThatMadeTheLabels) {
  std::vector<Example> examples;
  for (double e : {1, 2, 5, 10}) {
    for (double skew : {0.1, 0.3, 0.6, 0.9}) examples.push_back({{e, skew}, e > 3 && skew > 0.5});
  }
  const auto rule = fit_rule(examples);
  EXPECT_EQ(errors_of(rule, examples), 0U);
  EXPECT_EQ(rule.text({"E", "skew"}, "LN", "BN"), "E <= 3.5 ? BN : (skew <= 0.45 ? BN : LN)");
  EXPECT_TRUE(rule({4, 0.5}));
  EXPECT_EQ(errors_of(fit_rule(examples, 0), examples), 4U);
  EXPECT_EQ(fit_rule(examples, 1).low, nullptr);  // one split alone helps nothing: a leaf
}

TEST(Rule, LeavingOneOutSeesWhatFittingHides) {
  // Labels that alternate along the only feature: a rule of depth two fits four of them, and tells
  // none of those that it has not seen.
  std::vector<Example> examples;
  for (int i = 0; i < 4; ++i) examples.push_back({{static_cast<double>(i)}, i % 2 == 1});
  EXPECT_LE(errors_of(fit_rule(examples), examples), 1U);
  EXPECT_GE(leave_one_out_errors(examples), 3U);
}

TEST(Regimes, TheMapFindsWhatDecides) {
  std::vector<CellResult> results;
  for (const char* partition : {"1cls", "2cls", "iid"}) {
    for (const uint32_t epochs : {1U, 2U, 5U, 10U}) {
      Cell cell;
      cell.partition = partition;
      cell.epochs = epochs;
      const double gain = epochs >= 5 ? 0.02 : -0.03;
      for (const uint64_t seed : {1, 2}) {
        auto bn = made(cell, "bn", seed, 0.40);
        bn.skew = partition == std::string("iid") ? 0 : 0.8;
        bn.effective_classes = 2;
        bn.norm_slots = 2;
        results.push_back(bn);
        results.push_back(made(cell, "ln", seed, 0.40 + gain));
      }
    }
  }
  const auto settings = settings_of(results);
  const auto map = regime_map(settings);
  ASSERT_EQ(map.regimes.size(), 12U);
  EXPECT_NEAR(map.mean_ln, -0.5, 1e-9);
  EXPECT_EQ(map.predictors[0].name, "local epochs");
  EXPECT_DOUBLE_EQ(map.predictors[0].separation, 1);
  ASSERT_TRUE(map.rule.fitted);
  EXPECT_EQ(map.rule.text, "local epochs <= 3.5 ? BN : LN");
  EXPECT_EQ(map.rule.held_out, 4U);
  EXPECT_EQ(map.rule.held_out_errors, 0U);
  EXPECT_GT(map.rule.held_out_majority_errors, 0U);
}

TEST(Regimes, OneSignGivesNoRule) {
  std::vector<CellResult> results;
  for (const uint32_t epochs : {1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
    Cell cell;
    cell.epochs = epochs;
    results.push_back(made(cell, "bn", 1, 0.4));
    results.push_back(made(cell, "ln", 1, 0.3));
  }
  const auto settings = settings_of(results);
  EXPECT_FALSE(regime_map(settings).rule.fitted);
}

}  // namespace
}  // namespace atl::study
