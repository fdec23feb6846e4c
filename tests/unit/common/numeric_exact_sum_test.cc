#include "common/numeric/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/core/rng.h"
#include "common/numeric/pooled_moments.h"

namespace atl {
namespace {

std::vector<float> random_values(Rng& rng, size_t count, int low_power, int high_power) {
  std::vector<float> values(count);
  for (auto& v : values) {
    const int power =
        low_power + static_cast<int>(rng.below(static_cast<uint64_t>(high_power - low_power)));
    v = static_cast<float>(std::ldexp(2 * rng.uniform() - 1, power));
  }
  return values;
}

struct Term {
  uint64_t weight;
  std::vector<float> values;
};

std::vector<Term> random_terms(Rng& rng, size_t count, size_t size) {
  std::vector<Term> terms;
  for (size_t k = 0; k < count; ++k)
    terms.push_back({1 + rng.below(5000), random_values(rng, size, -60, 40)});
  return terms;
}

std::vector<uint32_t> bits(const std::vector<float>& values) {
  std::vector<uint32_t> out;
  for (float v : values) out.push_back(std::bit_cast<uint32_t>(v));
  return out;
}

TEST(ExactSum, OrderAndGroupingChangeNoBit) {
  Rng rng(7, "test");
  auto terms = random_terms(rng, 40, 257);
  std::vector<float> first(257), shuffled(257), merged(257);
  ExactSum sum(257);
  for (const auto& t : terms) sum.add(t.weight, t.values);
  sum.mean(std::span(first));

  rng.shuffle(std::span(terms));
  ExactSum other(257);
  for (const auto& t : terms) other.add(t.weight, t.values);
  other.mean(std::span(shuffled));

  ExactSum left(257), right(257);
  for (size_t k = 0; k < terms.size(); ++k)
    (k % 3 == 0 ? left : right).add(terms[k].weight, terms[k].values);
  right.merge(left);
  right.mean(std::span(merged));
  EXPECT_EQ(bits(first), bits(shuffled));
  EXPECT_EQ(bits(first), bits(merged));
}

// The written bound: within 0.5000001 units in the last place of the exact mean.
TEST(ExactSum, MeanIsTheCorrectlyRoundedOne) {
  Rng rng(11, "test");
  for (int trial = 0; trial < 200; ++trial) {
    ExactSum sum(1);
    // 2^-60 as the unit: every term below is a whole number of them, and the sum fits 128 bits.
    __int128 exact = 0;
    uint64_t total = 0;
    for (int k = 0; k < 30; ++k) {
      const uint64_t weight = 1 + rng.below(1000);
      const float value = static_cast<float>(
          std::ldexp(2 * rng.uniform() - 1, 4 - static_cast<int>(rng.below(36))));
      sum.add(weight, std::span<const float>(&value, 1));
      exact += static_cast<__int128>(std::ldexp(static_cast<double>(value), 60)) *
               static_cast<__int128>(weight);
      total += weight;
    }
    float mean = 0;
    sum.mean(std::span<float>(&mean, 1));
    const long double expected =
        static_cast<long double>(exact) / static_cast<long double>(total) * 0x1p-60L;
    const long double ulp = std::nextafter(std::fabs(mean), INFINITY) - std::fabs(mean);
    EXPECT_LE(std::fabs(static_cast<long double>(mean) - expected), 0.5000001L * ulp)
        << "trial " << trial;
  }
}

TEST(ExactSum, EqualClientsGiveBackTheirValueBitForBit) {
  Rng rng(3, "test");
  std::vector<float> values;
  for (int i = 0; i < 64; ++i) {
    const double magnitude = std::pow(10.0, -6 + 9 * rng.uniform());  // 1e-6 to 1e3
    values.push_back(static_cast<float>(rng.below(2) == 0 ? magnitude : -magnitude));
  }
  values.push_back(0.0f);
  for (uint64_t clients : {1ull, 3ull, 1000ull, 1000000ull}) {
    ExactSum sum(values.size());
    for (uint64_t k = 0; k < clients; ++k) sum.add(1 + k % 7, values);
    std::vector<float> mean(values.size());
    sum.mean(std::span(mean));
    EXPECT_EQ(bits(mean), bits(values)) << clients << " clients";
  }
}

TEST(ExactSum, FloatsDownToTheGridAreExact) {
  for (float value : {0x1p-57f, 0x1.fffffep-57f, -0x1p-56f, 0x1.fffffep39f, -0x1.fffffep39f}) {
    ExactSum sum(1);
    sum.add(4'000'000'000, std::span<const float>(&value, 1));
    float mean = 0;
    sum.mean(std::span<float>(&mean, 1));
    EXPECT_EQ(mean, value);
  }
}

TEST(ExactSum, WeightsSumToOne) {
  // T1: with every value 1, the mean is the sum of the coefficients.
  Rng rng(5, "test");
  for (int trial = 0; trial < 100; ++trial) {
    ExactSum sum(1);
    const double one = 1;
    for (uint64_t k = 0; k < 1 + rng.below(50); ++k)
      sum.add(1 + rng.below(1'000'000), std::span<const double>(&one, 1));
    double mean = 0;
    sum.mean(std::span<double>(&mean, 1));
    EXPECT_EQ(mean, 1.0);
  }
}

TEST(ExactSumDeath, TooMuchWeightIsABug) {
  ExactSum sum(1);
  const float one = 1;
  sum.add(ExactSum::kMaxWeight, std::span<const float>(&one, 1));
  EXPECT_DEATH(sum.add(1, std::span<const float>(&one, 1)), "2\\^32");
}

TEST(PooledMoments, GoldenValue) {
  PooledMoments moments(1);
  const float means[] = {0, 2}, variances[] = {1, 1};
  moments.add(1, {means, 1}, {variances, 1});
  moments.add(1, {means + 1, 1}, {variances + 1, 1});
  float mean = 0, variance = 0;
  moments.finish({&mean, 1}, {&variance, 1});
  EXPECT_EQ(mean, 1.0f);
  EXPECT_EQ(variance, 2.0f);
}

TEST(PooledMoments, EqualTheMomentsOfAllDataTogether) {
  Rng rng(13, "test");
  PooledMoments moments(1);
  std::vector<double> all;
  double naive = 0;
  for (int k = 0; k < 5; ++k) {
    std::vector<double> data(100 + 50 * static_cast<size_t>(k));
    for (auto& x : data) x = k - 2 + (0.5 + k) * rng.normal();
    double mean = 0, second = 0;
    for (double x : data) mean += x / static_cast<double>(data.size());
    for (double x : data) second += (x - mean) * (x - mean) / static_cast<double>(data.size());
    const float m = static_cast<float>(mean), v = static_cast<float>(second);
    moments.add(data.size(), {&m, 1}, {&v, 1});
    naive += second * static_cast<double>(data.size());
    all.insert(all.end(), data.begin(), data.end());
  }
  double mean = 0, second = 0;
  for (double x : all) mean += x / static_cast<double>(all.size());
  for (double x : all) second += (x - mean) * (x - mean) / static_cast<double>(all.size());
  float pooled_mean = 0, pooled_variance = 0;
  moments.finish({&pooled_mean, 1}, {&pooled_variance, 1});
  EXPECT_NEAR(pooled_mean, mean, 1e-5 * std::fabs(mean) + 1e-6);
  EXPECT_NEAR(pooled_variance, second, 1e-5 * second);
  // T5: averaging variances alone underestimates whenever the means differ.
  EXPECT_LT(naive / static_cast<double>(all.size()), second);
}

}  // namespace
}  // namespace atl
