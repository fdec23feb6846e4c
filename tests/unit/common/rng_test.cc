#include "common/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace atl {
namespace {

// Random123's kat_vectors, philox4x32, 10 rounds.
TEST(Philox, KnownAnswers) {
  struct {
    std::array<uint32_t, 4> counter;
    std::array<uint32_t, 2> key;
    std::array<uint32_t, 4> expected;
  } const table[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                     {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                      {0xffffffff, 0xffffffff},
                      {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                     {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                      {0xa4093822, 0x299f31d0},
                      {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (auto row : table) {
    philox_4x32_10(row.counter, row.key);
    EXPECT_EQ(row.counter, row.expected);
  }
}

// Runs are reproducible across versions only while a stream's name gives these numbers.
TEST(Rng, AStreamIsPinned) {
  Rng rng(42, "shuffle", "client-a", 3);
  Rng again(42, "shuffle", "client-a", 3);
  std::vector<uint64_t> first, second;
  for (int i = 0; i < 1000; ++i) first.push_back(rng.next_u64());
  for (int i = 0; i < 1000; ++i) second.push_back(again.next_u64());
  EXPECT_EQ(first, second);
  EXPECT_EQ(first[0], 0x4894e20351e34294ull);
}

TEST(Rng, EveryPartOfTheNameMakesAnotherStream) {
  const auto first_of = [](Rng rng) { return rng.next_u64(); };
  std::vector<uint64_t> seen{
      first_of(Rng(1, "a", "b", 0)),         first_of(Rng(2, "a", "b", 0)),
      first_of(Rng(1, "x", "b", 0)),         first_of(Rng(1, "a", "c", 0)),
      first_of(Rng(1, "a", "b", 1)),         first_of(Rng(1, "ab", "", 0)),
      first_of(Rng(1, "", "ab", 0)),         first_of(Rng(1ull << 63, "a", "b", 0)),
      first_of(Rng(1, "a", "b", 1ull << 63))};
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(Rng, StreamsAreUncorrelated) {
  Rng a(9, "one"), b(9, "two");
  double sum = 0;
  constexpr int n = 100'000;
  for (int i = 0; i < n; ++i) sum += (a.uniform() - 0.5) * (b.uniform() - 0.5) * 12;
  EXPECT_LT(std::fabs(sum / n), 4 / std::sqrt(n));
}

// Chi-square with bound - 1 degrees of freedom; a bound just above 2^63 would show a bias of two to
// one if the incomplete run were not drawn again.
TEST(Rng, BelowIsUnbiased) {
  Rng rng(3, "below");
  constexpr int kBins = 7, n = 70'000;
  int bins[kBins] = {};
  for (int i = 0; i < n; ++i) ++bins[rng.below(kBins)];
  double chi = 0;
  for (int count : bins) chi += std::pow(count - n / kBins, 2) / (n / kBins);
  EXPECT_LT(chi, 6 + 4 * std::sqrt(12));

  const uint64_t bound = (1ull << 63) + (1ull << 62);
  int low = 0;
  for (int i = 0; i < n; ++i) {
    const uint64_t value = rng.below(bound);
    ASSERT_LT(value, bound);
    low += value < bound / 3;
  }
  EXPECT_NEAR(low, n / 3.0, 4 * std::sqrt(n * 2.0 / 9));
  EXPECT_EQ(rng.below(1), 0u);
}

TEST(Rng, UniformStaysInItsIntervalWithItsMoments) {
  Rng rng(4, "uniform");
  double sum = 0, squares = 0;
  constexpr int n = 200'000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0.5, 4 / std::sqrt(12.0 * n));
  EXPECT_NEAR(squares / n, 1.0 / 3, 4 * std::sqrt(4.0 / 45 / n));
}

TEST(Rng, NormalHasTheFirstFourMoments) {
  Rng rng(5, "normal");
  double m[5] = {};
  constexpr int n = 200'000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    for (int k = 1; k <= 4; ++k) m[k] += std::pow(x, k) / n;
  }
  const double s = 4 / std::sqrt(n);
  EXPECT_NEAR(m[1], 0, s);
  EXPECT_NEAR(m[2], 1, s * std::sqrt(2));
  EXPECT_NEAR(m[3], 0, s * std::sqrt(15));
  EXPECT_NEAR(m[4], 3, s * std::sqrt(96));
}

TEST(Rng, GammaHasMeanAndVarianceOfItsShape) {
  for (double shape : {0.1, 0.5, 1.0, 2.5, 40.0}) {
    Rng rng(6, "gamma", std::to_string(shape));
    double sum = 0, squares = 0;
    constexpr int n = 100'000;
    for (int i = 0; i < n; ++i) {
      const double x = rng.gamma(shape);
      ASSERT_GE(x, 0);
      sum += x;
      squares += (x - shape) * (x - shape);
    }
    EXPECT_NEAR(sum / n, shape, 4 * std::sqrt(shape / n)) << shape;
    // Var[(x - k)^2] = 2 k^2 + 6 k.
    EXPECT_NEAR(squares / n, shape, 4 * std::sqrt((2 * shape * shape + 6 * shape) / n)) << shape;
  }
}

TEST(Rng, ShuffleReachesEveryOrderEquallyOften) {
  Rng rng(7, "shuffle");
  int seen[24] = {};
  constexpr int n = 24'000;
  for (int i = 0; i < n; ++i) {
    std::array<int, 4> items{0, 1, 2, 3};
    rng.shuffle(std::span<int>(items));
    int rank = 0;
    for (size_t a = 0; a < 4; ++a) {
      int smaller = 0;
      for (size_t b = a + 1; b < 4; ++b) smaller += items[b] < items[a];
      rank = rank * static_cast<int>(4 - a) + smaller;
    }
    ++seen[rank];
  }
  double chi = 0;
  for (int count : seen) chi += std::pow(count - 1000, 2) / 1000;
  EXPECT_LT(chi, 23 + 4 * std::sqrt(46));
}

TEST(RngDeath, NoNumberIsBelowZero) { EXPECT_DEATH(Rng(1, "x").below(0), "bound"); }

}  // namespace
}  // namespace atl
