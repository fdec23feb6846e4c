// Contribution metrics and norm tracks, against values worked by hand.
#include "experiments/fl_normalization/metrics/contribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "experiments/fl_normalization/metrics/average.h"
#include "experiments/fl_normalization/metrics/norm_track.h"

namespace atl::study {
namespace {

using Values = std::vector<float>;

std::vector<Contribution> of(const Values& before, const std::vector<Values>& locals,
                             const std::vector<double>& p) {
  TensorValues tensor{"conv1.weight", true, before, {}};
  for (const auto& local : locals) tensor.locals.emplace_back(local);
  return contributions(std::vector{tensor}, p);
}

TEST(Contribution, IdenticalClientsCountTheSame) {
  const auto equal = of({0, 0}, {{3, 4}, {3, 4}, {3, 4}, {3, 4}}, {0.25, 0.25, 0.25, 0.25});
  for (const auto& client : equal) {
    EXPECT_DOUBLE_EQ(client.s, 0.25);
    EXPECT_DOUBLE_EQ(client.cosine, 1);
    EXPECT_DOUBLE_EQ(client.nu_max, 1);
  }
  EXPECT_DOUBLE_EQ(effective_contributors(equal), 4);
  EXPECT_EQ(obliteration_index(equal), 0);
}

TEST(Contribution, AClientThatDidNotMoveIsObliterated) {
  const auto got = of({1, 1}, {{2, 1}, {1, 1}}, {0.5, 0.5});
  EXPECT_DOUBLE_EQ(got[0].s, 1);
  EXPECT_EQ(got[1].s, 0);
  EXPECT_TRUE(std::isnan(got[1].cosine));
  EXPECT_DOUBLE_EQ(obliteration_index(got), 0.5);
  EXPECT_DOUBLE_EQ(effective_contributors(got), 1);
}

TEST(Contribution, AClientThatPullsBackHasANegativeShare) {
  // Deltas 3 and -1 of equal weight: D = 1, shares 3/2 and -1/2; (3/2 + 1/2)^2 / (9/4 + 1/4).
  const auto got = of({0}, {{3}, {-1}}, {0.5, 0.5});
  EXPECT_DOUBLE_EQ(got[0].s, 1.5);
  EXPECT_DOUBLE_EQ(got[1].s, -0.5);
  EXPECT_DOUBLE_EQ(got[1].cosine, -1);
  EXPECT_DOUBLE_EQ(effective_contributors(got), 1.6);
}

TEST(Contribution, SharesSumToOneOverTensorsAndUnequalWeights) {
  const Values a0{1, 2, 3}, a1{2, 0, 3}, a2{1, 5, -3}, b0{0.5F}, b1{1}, b2{0};
  const std::vector<TensorValues> tensors{{"w", true, a0, {a1, a2}}, {"b", false, b0, {b1, b2}}};
  const auto got = contributions(tensors, std::vector<double>{0.2, 0.8});
  EXPECT_NEAR(got[0].s + got[1].s, 1, 1e-12);
}

TEST(Contribution, NormsAreComparedWithTheMedianClient) {
  const auto got = of({0, 0}, {{2, 0}, {1, 0}, {0, 10}}, {0.3, 0.3, 0.4});
  EXPECT_DOUBLE_EQ(got[0].nu_max, 1);
  EXPECT_DOUBLE_EQ(got[1].nu_max, 0.5);
  EXPECT_DOUBLE_EQ(got[2].nu_max, 5);
}

TEST(Contribution, NobodyMoved) {
  const auto got = of({1}, {{1}, {1}}, {0.25, 0.75});
  EXPECT_DOUBLE_EQ(got[1].s, 0.75);
  EXPECT_EQ(obliteration_index(got), 0);
}

TEST(Contribution, AccuraciesOfHeldAndOtherClasses) {
  const ClassScore global{{8, 1, 5}, {10, 10, 10}}, local{{10, 0, 0}, {10, 10, 10}},
      before{{2, 4, 4}, {10, 10, 10}}, without{{6, 0, 0}, {10, 10, 10}},
      never{{0, 0, 0}, {10, 10, 10}};
  const std::vector<bool> held{true, false, false};
  EXPECT_DOUBLE_EQ(global.accuracy(), 14.0 / 30);
  EXPECT_DOUBLE_EQ(retention(global, local, held), 0.8);
  EXPECT_DOUBLE_EQ(retention(global, never, held), 80);  // 0.8 over the floor of 0.01
  EXPECT_DOUBLE_EQ(leave_one_out(global, without, held), 0.8 - 0.6);
  EXPECT_DOUBLE_EQ(forgetting(local, before, held), 0 - 0.4);
  EXPECT_TRUE(std::isnan(forgetting(local, before, {true, true, true})));
}

TEST(Average, LeavesOutAndPools) {
  const auto manifest =
      Manifest::make(
          {{.name = "n.weight", .shape = {1}, .role = Role::kNormGamma},
           {.name = "n.running_mean", .shape = {1}, .role = Role::kNormMean},
           {.name = "n.running_var", .shape = {1}, .role = Role::kNormVar},
           {.name = "n.num_batches_tracked", .dtype = DType::kI64, .role = Role::kNormCount}})
          .value();
  // The counter lies first in the flat bytes.
  const auto flat = [&](Values values) {
    Bytes bytes(manifest.total_bytes());
    std::memcpy(bytes.data() + 8, values.data(), 4 * values.size());
    return bytes;
  };
  auto base = flat({0, 0, 0});
  base[0] = std::byte{7};
  const auto a = flat({1, 0, 1}), b = flat({3, 2, 1}), c = flat({100, 100, 100});
  const Bytes* locals[] = {&a, &b, &c};
  const std::vector<double> p{0.25, 0.25, 0};
  EXPECT_EQ(average(manifest, base, locals, p, false)[0], std::byte{7});
  const auto plain = average(manifest, base, locals, p, false);
  const auto pooled = average(manifest, base, locals, p, true);
  const auto value = [&](const Bytes& model, const char* name) {
    return floats(model, *manifest.find(name))[0];
  };
  EXPECT_EQ(value(plain, "n.weight"), 2);
  EXPECT_EQ(value(plain, "n.running_var"), 1);
  EXPECT_EQ(value(pooled, "n.running_mean"), 1);
  EXPECT_EQ(value(pooled, "n.running_var"), 2);  // (0, 2) and (1, 1): the specification's example
}

Manifest one_layer() {
  return Manifest::make({{.name = "conv1.weight", .shape = {2}, .role = Role::kConvWeight},
                         {.name = "norm1.weight", .shape = {2}, .role = Role::kNormGamma},
                         {.name = "norm1.running_mean", .shape = {2}, .role = Role::kNormMean}})
      .value();
}

std::vector<NormRow> feed(NormTrack& track, uint32_t round, Values flat) {
  return track.add(round, std::as_bytes(std::span(flat)));
}

TEST(NormTrack, GoldenRows) {
  NormTrack track(one_layer(), true, 0.5);
  auto rows = feed(track, 0, {3, 4, 1, 1, 7, 7});
  ASSERT_EQ(rows.size(), 2U);  // a running mean is no weight
  EXPECT_EQ(rows[0].group, "scale_invariant");
  EXPECT_DOUBLE_EQ(rows[0].norm, 5);
  EXPECT_DOUBLE_EQ(rows[0].eta_eff, 0.5 / 25);
  EXPECT_TRUE(std::isnan(rows[0].ratio));
  rows = feed(track, 1, {-8, 6, 1, 1, 7, 7});
  EXPECT_DOUBLE_EQ(rows[0].ratio, 2);
  EXPECT_NEAR(rows[0].angle, std::acos(0.0), 1e-12);
  EXPECT_EQ(rows[1].group, "norm_affine");
  EXPECT_TRUE(std::isnan(rows[1].eta_eff));
}

TEST(NormTrack, WithoutANormNoWeightIsScaleInvariant) {
  EXPECT_EQ(norm_group(Role::kConvWeight, false), "other");
  EXPECT_EQ(norm_group(Role::kHeadWeight, true), "head");
}

TEST(NormTrack, FiveRoundsOfGrowthRaiseTheAlarmAndFourDoNot) {
  NormTrack four(one_layer(), true, 0.1), five(one_layer(), true, 0.1);
  float norm = 1;
  for (uint32_t round = 0; round <= 5; ++round, norm *= 1.25F) {
    feed(five, round, {norm, 0, 1, 1, 0, 0});
    // The fifth step is small.
    feed(four, round, {round < 5 ? norm : norm / 1.25F * 1.1F, 0, 1, 1, 0, 0});
  }
  EXPECT_EQ(five.alarms(), (std::map<std::string, uint32_t>{{"scale_invariant", 5}}));
  EXPECT_TRUE(four.alarms().empty());
}

}  // namespace
}  // namespace atl::study
