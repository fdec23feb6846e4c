// External covariate shift and bookkeeping gaps, against values worked by hand.
#include "experiments/fl_normalization/metrics/divergence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/core/rng.h"
#include "experiments/fl_normalization/metrics/bookkeeping.h"

namespace atl::study {
namespace {

// Two clients, one channel: means 0 and 2, variances 1 and 3.
const std::vector<ChannelStatistics> kTwo{{{0}, {1}}, {{2}, {3}}};
constexpr double kNear = 2e-5;  // the variance floor moves the fifth digit

TEST(Divergence, GoldenValuesOfTwoClients) {
  EXPECT_NEAR(mean_gap(kTwo), 1 / std::sqrt(2.0), kNear);      // std of (0, 2) is 1, mean v is 2
  EXPECT_NEAR(scale_gap(kTwo), 0.25 * std::log(3.0), kNear);   // half of half of log 3
  EXPECT_NEAR(wasserstein2(kTwo), 4 - std::sqrt(3.0), kNear);  // (4 + (1 - sqrt 3)^2) / 2
  EXPECT_NEAR(symmetric_kl(kTwo), 5.0 / 3, 1e-4);              // (1/3 + 3 - 2 + 4 (1 + 1/3)) / 4
}

TEST(Divergence, MeansGoOverChannelsAndPairs) {
  // Channel 0 differs between the first and the others, channel 1 nowhere.
  const std::vector<ChannelStatistics> three{{{0, 5}, {1, 1}}, {{3, 5}, {1, 1}}, {{3, 5}, {1, 1}}};
  EXPECT_NEAR(mean_gap(three), std::sqrt(2.0) / 2, kNear);    // std of (0, 3, 3) is sqrt 2
  EXPECT_NEAR(wasserstein2(three), (9 + 9 + 0) / 6.0, 1e-4);  // three pairs, two channels
}

TEST(Divergence, EqualClientsAreNoDistanceApart) {
  const std::vector<ChannelStatistics> equal(4, ChannelStatistics{{0.3, -2}, {1.5, 0}});
  EXPECT_EQ(mean_gap(equal), 0);
  EXPECT_EQ(scale_gap(equal), 0);
  EXPECT_EQ(wasserstein2(equal), 0);
  EXPECT_EQ(symmetric_kl(equal), 0);
  EXPECT_EQ(running_mean_gap(equal), 0);
  EXPECT_EQ(running_variance_gap(equal), 0);
  Rng rng(3, "values");
  ChannelValues values(2, std::vector<float>(500));
  for (auto& channel : values) {
    for (auto& value : channel) value = static_cast<float>(rng.normal());
  }
  EXPECT_NEAR(histogram_js(std::vector<ChannelValues>(3, values)), 0, 1e-15);
}

TEST(Divergence, OneClientHasNothingToCompare) {
  const std::vector<ChannelStatistics> one{{{1}, {1}}};
  EXPECT_TRUE(std::isnan(mean_gap(one)));
  EXPECT_TRUE(std::isnan(symmetric_kl(one)));
  EXPECT_TRUE(std::isnan(running_mean_gap(one)));
  EXPECT_TRUE(std::isnan(linear_cka(std::vector<Gram>{{1, 0, 0, 1}})));
}

TEST(Divergence, HistogramsThatDoNotMeet) {
  // Each client's histogram is one bin, the mean half and half, the middle (3/4, 1/4):
  // (log2(4/3) + (log2(2/3) + 1) / 2) / 2.
  const std::vector<ChannelValues> apart{{std::vector<float>(50, 0.0F)},
                                         {std::vector<float>(50, 8.0F)}};
  EXPECT_NEAR(histogram_js(apart), (std::log2(4.0 / 3) + (std::log2(2.0 / 3) + 1) / 2) / 2, 1e-12);
}

TEST(Divergence, AnOutlierDoesNotSqueezeTheHistogram) {
  Rng rng(5, "values");
  std::vector<ChannelValues> clients(2, ChannelValues(1));
  for (int i = 0; i < 4000; ++i) {
    clients[0][0].push_back(static_cast<float>(rng.normal()));
    clients[1][0].push_back(static_cast<float>(rng.normal() + 2));
  }
  const double before = histogram_js(clients);
  clients[0][0][0] = 1e6F;
  EXPECT_NEAR(histogram_js(clients), before, 0.01);
}

// Z Z^T of one column of numbers, centred.
Gram gram_of(std::vector<double> z) {
  double mean = 0;
  for (const double a : z) mean += a / static_cast<double>(z.size());
  Gram gram;
  for (const double a : z) {
    for (const double b : z) gram.push_back((a - mean) * (b - mean));
  }
  return gram;
}

TEST(Divergence, CkaIsOneForTheSameRepresentationAndZeroForOrthogonalOnes) {
  const auto z = gram_of({1, 0, -1}), scaled = gram_of({-3, 1, 5}), other = gram_of({1, -2, 1});
  EXPECT_NEAR(linear_cka(std::vector<Gram>{z, z, z}), 1, 1e-12);
  EXPECT_NEAR(linear_cka(std::vector<Gram>{z, scaled}), 1, 1e-12);  // scaled and shifted
  EXPECT_NEAR(linear_cka(std::vector<Gram>{z, other}), 0, 1e-12);
  EXPECT_NEAR(linear_cka(std::vector<Gram>{z, z, other}), 1.0 / 3, 1e-12);
}

TEST(Bookkeeping, GoldenValues) {
  EXPECT_NEAR(running_mean_gap(kTwo), std::sqrt(2.0), kNear);  // 2 / sqrt 2
  EXPECT_NEAR(running_variance_gap(kTwo), std::log(3.0), kNear);
  EXPECT_NEAR(mismatch({{1, 0}, {9, 9}}, {{0, 3}, {4, 9}}), (0.5 + 1.0) / 2, kNear);
}

}  // namespace
}  // namespace atl::study
