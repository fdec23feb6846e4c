// Advice from a map whose law is known.
#include "experiments/fl_normalization/advice/advice.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/packed.h"

namespace atl::study {
namespace {

using atl::testing::expect_error;
using ::testing::HasSubstr;

// LN wins where clients hold at most two classes.
RegimeMap lawful(double half_width = 0.5) {
  std::vector<Regime> regimes;
  for (const double classes : {1, 2, 5, 10}) {
    for (const double images : {50, 250}) {
      for (const double epochs : {1, 10}) {
        Regime r;
        r.cell.partition = std::to_string(static_cast<int>(classes)) + "cls";
        r.cell.images = static_cast<uint32_t>(images);
        r.cell.epochs = static_cast<uint32_t>(epochs);
        r.effective_classes = classes;
        r.skew = 1 - classes / 10;
        r.images = images;
        r.local_epochs = epochs;
        r.local_steps = epochs * images / 32;
        r.depth = 2;
        const double gain = classes <= 2 ? 3 : -2;
        r.ln = {"ln", "bn(all)", {gain}, gain, {gain - half_width, gain + half_width}};
        r.none = {"none", "bn(all)", {-4}, -4, {-5, -3}};
        regimes.push_back(std::move(r));
      }
    }
  }
  return regime_map(std::move(regimes));
}

Federation federation(double classes) {
  Federation f;
  f.clients = 8;
  f.images = 100;
  f.effective_classes = classes;
  f.skew = 1 - classes / 10;
  f.local_epochs = 2;
  f.local_steps = 8;
  f.norm_slots = 2;
  f.batch = f.least_batch = 32;
  f.norm = "bn";
  f.policy = "pooled";
  return f;
}

TEST(Advice, FollowsTheRuleAndSaysHowGoodItIs) {
  const auto map = lawful();
  const auto few = advise(federation(1.5), map), many = advise(federation(8), map);
  ASSERT_TRUE(few.ok() && many.ok());
  EXPECT_EQ(few->norms, (std::vector<std::string>{"ln", "bn"}));
  EXPECT_EQ(many->norms, (std::vector<std::string>{"bn", "ln"}));
  EXPECT_EQ(few->neighbours.size(), 3U);
  for (const auto& n : few->neighbours) EXPECT_LE(n.regime->effective_classes, 2);
  EXPECT_TRUE(few->careful.empty()) << few->careful.front();
  const auto text = to_text(federation(1.5), *few);
  EXPECT_THAT(text, HasSubstr("try         ln, then bn with policy = \"pooled\""));
  EXPECT_THAT(text, HasSubstr("of 16 regimes"));
  EXPECT_THAT(text, HasSubstr("LN - BN +3.0 [2.5, 3.5]"));
  EXPECT_THAT(to_json(federation(1.5), *few), HasSubstr(R"("norms":["ln","bn"])"));
}

bool warns(const Result<Advice>& advice, const std::string& words) {
  return std::any_of(advice->careful.begin(), advice->careful.end(),
                     [&](const auto& line) { return line.find(words) != std::string::npos; });
}

TEST(Advice, SaysWhereTheEvidenceDoesNotReach) {
  const auto map = lawful(), vague = lawful(10);
  auto f = federation(2);
  f.images = 5000;
  f.norm_slots = 20;
  EXPECT_TRUE(
      warns(advise(f, map), "images per client is 5000; the map was measured from 50 to 250"));
  EXPECT_TRUE(warns(advise(f, map), "norm slots is 20"));
  EXPECT_FALSE(warns(advise(f, map), "do not tell"));
  EXPECT_TRUE(warns(advise(f, vague), "do not tell"));
}

TEST(Advice, KnowsWhatBatchNormCannotHave) {
  const auto map = lawful();
  auto f = federation(8);
  f.batch = 1;
  EXPECT_EQ(advise(f, map)->norms, std::vector<std::string>{"ln"});
  f.batch = 4;
  EXPECT_TRUE(warns(advise(f, map), "noisy"));
  f.batch = 32;
  f.least_batch = 1;
  EXPECT_TRUE(warns(advise(f, map), "last batch"));
  f = federation(8);
  f.policy = "all";
  EXPECT_TRUE(warns(advise(f, map), "pooled"));
}

TEST(Advice, AMapWithoutARuleIsNoEvidence) {
  expect_error(advise(federation(2), RegimeMap()), ErrorCode::kUnsupported, {"0 regimes"});
}

TEST(Advice, MapsComeBackFromTheirFile) {
  const auto map = lawful();
  const auto back = map_from_json(to_json(map));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(to_json(*back), to_json(map));
  EXPECT_EQ(back->rule.text, map.rule.text);
  EXPECT_EQ(back->regimes[3].cell, map.regimes[3].cell);
  EXPECT_EQ(map_from_json("{}").error().code(), ErrorCode::kData);
  EXPECT_EQ(map_from_json("{").error().code(), ErrorCode::kData);
  EXPECT_TRUE(built_in_map().ok());
}

}  // namespace
}  // namespace atl::study
