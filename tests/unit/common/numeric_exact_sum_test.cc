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

// The same bound against quadruple precision, over the magnitudes of a model's weights.
TEST(ExactSum, MeansOfWeightsAreCorrectlyRounded) {
  Rng rng(19, "test");
  for (int trial = 0; trial < 300; ++trial) {
    ExactSum sum(1);
    __float128 exact = 0;
    uint64_t total = 0;
    const double centre = std::pow(10.0, -6 + 9 * rng.uniform());
    for (int k = 0; k < 50; ++k) {
      const uint64_t weight = 1 + rng.below(100'000);
      const auto value = static_cast<float>(centre * (1 + 0.3 * rng.normal()));
      sum.add(weight, std::span<const float>(&value, 1));
      exact += static_cast<__float128>(value) * weight;
      total += weight;
    }
    exact /= total;
    float mean = 0;
    sum.mean(std::span<float>(&mean, 1));
    const auto ulp =
        static_cast<__float128>(std::nextafter(std::fabs(mean), INFINITY)) - std::fabs(mean);
    const __float128 off = exact > mean ? exact - mean : mean - exact;
    EXPECT_LE(static_cast<double>(off / ulp), 0.5000001) << "trial " << trial;
  }
}

TEST(ExactSum, DoublesToo) {
  Rng rng(23, "test");
  for (int trial = 0; trial < 200; ++trial) {
    ExactSum sum(1);
    __float128 exact = 0;
    uint64_t total = 0;
    for (int k = 0; k < 20; ++k) {
      const uint64_t weight = 1 + rng.below(1000);
      const double value = 100 * rng.normal();
      sum.add(weight, std::span<const double>(&value, 1));
      exact += static_cast<__float128>(value) * weight;
      total += weight;
    }
    exact /= total;
    double mean = 0;
    sum.mean(std::span<double>(&mean, 1));
    const __float128 off = exact > mean ? exact - mean : mean - exact;
    const double size = std::max(1e-6, std::fabs(mean));
    EXPECT_LE(static_cast<double>(off), 0x1p-52 * size + 0x1p-80) << "trial " << trial;
  }
}

// With registers of every width that this processor has.
TEST(ExactSum, WideAndPlainLoopsAgreeBitForBit) {
  Rng rng(29, "test");
  for (const auto most : {Registers::kAvx2, Registers::kAvx512}) {
    if (most > widest_registers()) continue;
    for (size_t size : {1u, 7u, 8u, 63u, 1000u}) {
      ExactSum wide(size, most), plain(size, Registers::kPlain);
      for (const auto& term : random_terms(rng, 20, size)) {
        wide.add(term.weight, term.values);
        plain.add(term.weight, term.values);
        std::vector<double> doubles(term.values.begin(), term.values.end());
        for (auto& x : doubles) x *= 1 + 1e-12 * rng.uniform();
        for (auto& x : doubles) x = std::fabs(x) < ExactSum::kRange ? x : 0;
        wide.add(term.weight, std::span<const double>(doubles));
        plain.add(term.weight, std::span<const double>(doubles));
      }
      std::vector<double> a(size), b(size);
      wide.mean(std::span(a));
      plain.mean(std::span(b));
      for (size_t i = 0; i < size; ++i)
        ASSERT_EQ(std::bit_cast<uint64_t>(a[i]), std::bit_cast<uint64_t>(b[i])) << size << " " << i;
    }
  }
}

TEST(ExactSum, OneClientIsItselfWhateverItsWeight) {
  Rng rng(31, "test");
  const auto values = random_values(rng, 500, -40, 39);
  for (uint64_t weight : {1ull, 3ull, 4'294'967'295ull}) {
    ExactSum sum(values.size());
    sum.add(weight, values);
    std::vector<float> mean(values.size());
    sum.mean(std::span(mean));
    EXPECT_EQ(bits(mean), bits(values)) << weight;
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

// T1: values between the grid's points come back within the bound, however many clients share them.
TEST(ExactSum, EqualClientsOffTheGridGiveBackTheirValueWithinTheBound) {
  for (const uint64_t clients : {3u, 1000u}) {
    for (const double value : {0x1.2345678p-65, 1e-12 / 3, -0x1.fp-82, 0x1p-90, 1.0 / 3, -1e-21}) {
      ExactSum sum(1);
      for (uint64_t k = 0; k < clients; ++k) sum.add(1 + k % 7, std::span<const double>(&value, 1));
      double mean = 0;
      sum.mean(std::span<double>(&mean, 1));
      EXPECT_NEAR(mean, value, 0x1p-81 + 0x1p-52 * std::fabs(value)) << clients;
    }
    const float tiny = 0x1.234566p-65f;
    ExactSum sum(1);
    for (uint64_t k = 0; k < clients; ++k) sum.add(1 + k % 7, std::span<const float>(&tiny, 1));
    float mean = 0;
    sum.mean(std::span<float>(&mean, 1));
    EXPECT_NEAR(mean, tiny, 0x1p-81 + 0x1p-24 * tiny) << clients;
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

TEST(PooledMoments, EqualClientsGiveBackTheirMomentsBitForBit) {
  Rng rng(37, "test");
  std::vector<float> means(200), variances(200);
  for (size_t i = 0; i < 200; ++i) {
    means[i] = static_cast<float>(std::ldexp(rng.normal(), static_cast<int>(rng.below(16)) - 3));
    variances[i] = static_cast<float>(std::pow(10.0, -9 + 12 * rng.uniform()));
  }
  PooledMoments moments(200);
  for (uint64_t k = 1; k <= 7; ++k) moments.add(k, means, variances);
  std::vector<float> mean(200), variance(200);
  moments.finish(mean, variance);
  EXPECT_EQ(bits(mean), bits(means));
  EXPECT_EQ(bits(variance), bits(variances));
}

TEST(PooledMoments, OrderAndGroupingChangeNoBit) {
  Rng rng(41, "test");
  std::vector<std::vector<float>> means, variances;
  for (int k = 0; k < 9; ++k) {
    means.push_back(random_values(rng, 33, -3, 18));
    variances.push_back(random_values(rng, 33, -3, 30));
    for (auto& v : variances.back()) v = std::fabs(v);
  }
  PooledMoments forward(33), left(33), right(33);
  for (size_t k = 0; k < 9; ++k) forward.add(k + 1, means[k], variances[k]);
  for (size_t k = 9; k-- > 0;) (k % 2 ? left : right).add(k + 1, means[k], variances[k]);
  left.merge(right);
  std::vector<float> m1(33), v1(33), m2(33), v2(33);
  forward.finish(m1, v1);
  left.finish(m2, v2);
  EXPECT_EQ(bits(m1), bits(m2));
  EXPECT_EQ(bits(v1), bits(v2));
}

TEST(PooledMoments, AVarianceIsNeverNegative) {
  PooledMoments moments(1);
  const float mean = 0.1f, zero = 0, negative = -1;
  moments.add(3, {&mean, 1}, {&zero, 1});
  moments.add(4, {&mean, 1}, {&negative, 1});
  float m = 0, v = -5;
  moments.finish({&m, 1}, {&v, 1});
  EXPECT_EQ(v, 0.0f);
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
