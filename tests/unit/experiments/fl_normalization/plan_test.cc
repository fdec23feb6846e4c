// Plans: what a budget cuts and what it leaves, tuning and its choice.
#include "experiments/fl_normalization/study/plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/unit/experiments/fl_normalization/made_results.h"

namespace atl::study {
namespace {

Tier small_tier() {
  Tier tier{.name = "cpu", .budget_minutes = 1e6, .grid = {0.01, 0.1}};
  Block block;
  block.methods = {{"bn"}, {"bn", "pooled"}, {"ln"}};
  block.seeds = {1, 2};
  block.images = 40 * block.base.images_per_round();
  block.name = "lenet";
  Block deep = block;
  deep.base.model = "vgg_mini";
  deep.methods = {{"bn"}};
  deep.seeds = {1};
  deep.may_go = true;
  deep.name = "vgg_mini";
  tier.blocks = {block, deep};
  return tier;
}
const Speeds kSpeeds{{"lenet bn", 1000}, {"lenet ln", 2000}, {"vgg_mini bn", 100}};

TEST(Plan, HasEveryMethodAndSeedAndTunesEachNormOnce) {
  const auto plan = make_plan(small_tier(), kSpeeds, 2);
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  EXPECT_EQ(plan->cells.size(), 3U * 2 + 1);
  EXPECT_EQ(plan->tuning.size(), 3U * 2);  // lenet bn, lenet ln, vgg_mini bn; two rates
  EXPECT_TRUE(plan->reduced.empty());
  for (const auto& cell : plan->cells) EXPECT_EQ(cell.rounds, 40U);
  std::set<std::string> groups;
  for (const auto& cell : plan->tuning) {
    EXPECT_EQ(cell.seed, 1000U);
    EXPECT_EQ(cell.measure_every, 0U);
    groups.insert(tuning_group(cell));
  }
  for (const auto& cell : plan->cells) EXPECT_EQ(groups.count(tuning_group(cell)), 1U);
}

TEST(Plan, IsOfItsTierUntilThatChanges) {
  auto tier = small_tier();
  const auto made = make_plan(tier, kSpeeds, 2);
  const auto read = plan_from_json(to_json(*made));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_TRUE(is_of(*read, tier));
  for (auto change : std::vector<void (*)(Tier&)>{
           [](Tier& t) { t.grid.push_back(1); }, [](Tier& t) { t.blocks[0].seeds = {1}; },
           [](Tier& t) { t.blocks[0].methods.pop_back(); },
           [](Tier& t) { t.blocks[0].base.epochs = 9; }, [](Tier& t) { t.budget_minutes = 1; },
           [](Tier& t) { t.blocks[1].methods = {{"rms"}}; }, [](Tier& t) { t.name = "own"; }}) {
    auto changed = tier;
    change(changed);
    EXPECT_FALSE(is_of(*read, changed));
  }
}

TEST(Plan, ASmallerBudgetShrinksRoundsAndKeepsSeedsAndNorms) {
  auto tier = small_tier();
  const auto whole = make_plan(tier, kSpeeds, 2);
  tier.budget_minutes = minutes_of(*whole) / 2;
  const auto half = make_plan(tier, kSpeeds, 2);
  ASSERT_TRUE(half.ok());
  EXPECT_LE(minutes_of(*half), tier.budget_minutes);
  EXPECT_GT(minutes_of(*half), 0.8 * tier.budget_minutes);
  EXPECT_EQ(half->cells.size(), whole->cells.size());
  EXPECT_LT(half->cells[0].rounds, 40U);
  ASSERT_EQ(half->reduced.size(), 2U);
  EXPECT_EQ(half->reduced[0],
            "lenet: " + std::to_string(half->cells[0].rounds) + " rounds instead of 40");
}

TEST(Plan, ABlockThatMayGoGoesWhenRoundsCannotShrinkFurther) {
  auto tier = small_tier();
  tier.budget_minutes = 12;
  const auto plan = make_plan(tier, kSpeeds, 2);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->cells.size(), 6U);
  EXPECT_EQ(plan->reduced.back(), "the block vgg_mini was left out");
  tier.budget_minutes = 0.01;
  const auto least = make_plan(tier, kSpeeds, 2);
  ASSERT_TRUE(least.ok());
  EXPECT_EQ(least->cells[0].rounds, tier.blocks[0].least_rounds);
  EXPECT_NE(least->reduced.back().find("more than the budget"), std::string::npos);
}

TEST(Plan, WhatWasNotMeasuredIsNotPlanned) {
  EXPECT_EQ(make_plan(small_tier(), {{"lenet bn", 1000}}, 2).error().code(), ErrorCode::kInternal);
}

TEST(Plan, ComesBackFromItsFile) {
  const auto plan = make_plan(small_tier(), kSpeeds, 2);
  const auto back = plan_from_json(to_json(*plan));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(to_json(*back), to_json(*plan));
  EXPECT_EQ(back->cells, plan->cells);
  EXPECT_EQ(plan_from_json("{}").error().code(), ErrorCode::kData);
}

TEST(Plan, TheBestRateIsThatOfTheLastEvaluationsAndFailuresDoNotCount) {
  const auto plan = make_plan(small_tier(), kSpeeds, 2);
  std::vector<CellResult> tuned;
  for (const auto& cell : plan->tuning) {
    const bool high = cell.rate == 0.1;
    if (cell.norm == "ln" && high) {
      tuned.push_back(testing::failed(cell, "ln", 1000));
    } else if (cell.model == "vgg_mini") {
      if (high) tuned.push_back(testing::made(cell, "bn", 1000, 0.3));
    } else {
      // The lower rate has the higher peak, the higher one the better end.
      tuned.push_back(testing::made(cell, high
                                              ? std::vector<double>{0.1, 0.3, 0.3, 0.3, 0.3, 0.3}
                                              : std::vector<double>{0.1, 0.5, 0.2, 0.2, 0.2, 0.2}));
    }
  }
  const auto rates = best_rates(*plan, tuned);
  EXPECT_EQ(rates.at("cifar10-lenet-2cls-20x500-k8-e2-b32-m0 bn"), 0.1);
  EXPECT_EQ(rates.at("cifar10-lenet-2cls-20x500-k8-e2-b32-m0 ln"), 0.01);
  EXPECT_EQ(rates.count("cifar10-vgg_mini-2cls-20x500-k8-e2-b32-m0 bn"),
            0U);  // half of its grid is missing
}

// What the command plans where a GPU is to be had; speeds as if it were there.
TEST(Tier, TheOneForGpusIsTheFullTable) {
  auto tier = make_tier("gpu").value();
  Speeds speeds;
  for (const char* model : {"lenet", "vgg11", "resnet18"})
    for (const char* norm : {"none", "bn", "ln", "gn:2", "gn:8"})
      speeds[std::string(model) + " " + norm] = std::string(model) == "lenet" ? 40'000 : 9'000;
  const auto cut = make_plan(tier, speeds, 1).value();
  EXPECT_LE(minutes_of(cut), tier.budget_minutes);
  EXPECT_FALSE(cut.reduced.empty());
  tier.budget_minutes = 1e6;
  const auto plan = make_plan(tier, speeds, 1).value();
  EXPECT_TRUE(plan.reduced.empty());
  EXPECT_EQ(plan.cells.size(), 3U * 5);  // bn(pooled) shares bn's rate
  EXPECT_EQ(plan.tuning.size(), 3U * 4 * tier.grid.size());
  for (const auto& cell : plan.cells) {
    EXPECT_EQ(cell.clients, 100U);
    EXPECT_EQ(cell.cohort, 10U);
    EXPECT_EQ(cell.batch, 64U);
    EXPECT_EQ(cell.rounds, 300U);
    EXPECT_TRUE(partition_of(cell).ok());
  }
}

TEST(Tier, TheLongOneIsAMapOfTwentyFourRegimesWithThreeSeeds) {
  const auto tier = make_tier("long");
  ASSERT_TRUE(tier.ok());
  EXPECT_GE(tier->blocks.size(), 24U);
  std::set<std::string> settings;
  for (const auto& block : tier->blocks) {
    EXPECT_EQ(block.seeds.size(), 3U);
    EXPECT_EQ(block.methods.size(), 3U);
    EXPECT_TRUE(partition_of(block.base).ok());
    settings.insert(block.base.setting());
  }
  EXPECT_EQ(settings.size(), tier->blocks.size());
}

TEST(Tier, TuningSeedsAreNotReportedSeeds) {
  for (const auto& name : tier_names()) {
    const auto tier = make_tier(name, "fashion_mnist");
    ASSERT_TRUE(tier.ok());
    for (const auto& block : tier->blocks) {
      EXPECT_EQ(std::count(block.seeds.begin(), block.seeds.end(), tier->tuning_seed), 0);
      EXPECT_EQ(block.base.data, "fashion_mnist");
    }
  }
  EXPECT_EQ(make_tier("huge").error().code(), ErrorCode::kConfig);
  EXPECT_EQ(make_tier("cpu", "imagenet").error().code(), ErrorCode::kConfig);
}

}  // namespace
}  // namespace atl::study
