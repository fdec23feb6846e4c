// Channel moments do not depend on how the probe set was cut.
#include "experiments/fl_normalization/metrics/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "common/core/rng.h"

namespace atl::study {
namespace {

TEST(Moments, AnyCutGivesTheSameNumbers) {
  const uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed();
  RecordProperty("seed", std::to_string(seed));
  Rng rng(seed, "moments");
  std::vector<float> values(5000);
  // A mean far from zero beside a small deviation: sums of squares would lose it.
  for (auto& value : values) value = static_cast<float>(1000 + 0.1 * rng.normal());
  double sum = 0, squares = 0;
  for (const float value : values) sum += static_cast<double>(value);
  const double mean = sum / 5000;
  for (const float value : values) squares += std::pow(static_cast<double>(value) - mean, 2);

  for (const size_t piece : {1, 7, 64, 5000}) {
    ChannelMoments moments(2), rest(2);
    for (size_t at = 0; at < values.size(); at += piece) {
      const auto block = std::span(values).subspan(at, std::min(piece, values.size() - at));
      (at < 2000 ? moments : rest).add(1, block);
    }
    moments.merge(rest);
    EXPECT_EQ(moments.count(1), 5000U);
    EXPECT_EQ(moments.count(0), 0U);
    const auto got = moments.statistics();
    EXPECT_NEAR(got.mean[1], mean, 1e-9) << "seed " << seed << ", pieces of " << piece;
    EXPECT_NEAR(got.variance[1] / (squares / 5000), 1, 1e-9) << "pieces of " << piece;
  }
}

TEST(Moments, GoldenValues) {
  ChannelMoments moments(1);
  moments.add(0, std::vector<float>{1, 2});
  moments.add(0, std::vector<float>{6});
  EXPECT_DOUBLE_EQ(moments.statistics().mean[0], 3);
  EXPECT_DOUBLE_EQ(moments.statistics().variance[0], 14.0 / 3);
}

TEST(Moments, MeasuredChannelsAreFewDistinctAndAlwaysTheSame) {
  EXPECT_EQ(measured_channels("norm1", 3), (std::vector<size_t>{0, 1, 2}));
  const auto some = measured_channels("norm1", 512);
  EXPECT_EQ(std::set<size_t>(some.begin(), some.end()).size(), 64U);
  EXPECT_LT(some.back(), 512U);
  EXPECT_EQ(some, measured_channels("norm1", 512));
  EXPECT_NE(some, measured_channels("norm2", 512));
}

}  // namespace
}  // namespace atl::study
