// The reduction through real files: tests T1 to T3 of the normalization study, every element type
// and treatment.
#include "server/aggregation/reducer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "common/core/rng.h"
#include "common/numeric/half.h"
#include "tests/support/updates.h"

namespace atl {
namespace {

using testing::bytes_of;
using testing::operator+;
using testing::spec;
using testing::Updates;
using testing::values_of;

Manifest one(DType dtype, int64_t elements, Role role = Role::kLinearWeight) {
  return Manifest::make({spec("w", dtype, {elements}, role)}).value();
}

std::vector<float> weights(Rng& rng, size_t count) {
  std::vector<float> values(count);
  for (auto& v : values)
    v = static_cast<float>(rng.normal() * std::pow(10.0, -6 + 9 * rng.uniform()));
  return values;
}

// T1, first half: the coefficients of client k are what its unit vector leaves in the mean.
TEST(Reducer, CoefficientsSumToOne) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed, "t1");
    const size_t clients = 1 + rng.below(12);
    Updates updates(one(DType::kF64, static_cast<int64_t>(clients)));
    std::vector<uint64_t> n;
    uint64_t total = 0;
    for (size_t k = 0; k < clients; ++k) {
      std::vector<double> unit(clients, 0.0);
      unit[k] = 1;
      n.push_back(1 + rng.below(100'000));
      total += n.back();
      updates.add(n.back(), bytes_of(unit));
    }
    const auto p = values_of<double>(updates.reduce("all").value());
    double sum = 0;
    for (size_t k = 0; k < clients; ++k) {
      sum += p[k];
      EXPECT_NEAR(p[k], static_cast<double>(n[k]) / static_cast<double>(total), 1e-15)
          << "seed " << seed;
    }
    EXPECT_NEAR(sum, 1, 1e-12) << "seed " << seed;
  }
}

// T1, second half: float32 weights from 2^-57 on lie on the grid, so equal clients change no bit.
TEST(Reducer, IdenticalStatesGiveThemselvesExactly) {
  Rng rng(5, "t1");
  Updates updates(one(DType::kF32, 40'000));
  const auto flat = bytes_of(weights(rng, 40'000));
  for (uint64_t k = 0; k < 7; ++k) updates.add(1 + k * 13, flat);
  EXPECT_TRUE(updates.reduce("all").value() == flat);
}

Manifest mixed() {
  return Manifest::make({spec("fc.weight", DType::kF32, {300, 70}, Role::kLinearWeight),
                         spec("bn.weight", DType::kF32, {7}, Role::kNormGamma),
                         spec("bn.running_mean", DType::kF32, {7}, Role::kNormMean),
                         spec("bn.running_var", DType::kF32, {7}, Role::kNormVar),
                         spec("bn.num_batches", DType::kI64, {}, Role::kNormCount),
                         spec("empty", DType::kF32, {0, 4}, Role::kLinearWeight),
                         spec("d", DType::kF64, {33}, Role::kHeadWeight),
                         spec("h", DType::kF16, {129}, Role::kConvWeight),
                         spec("b", DType::kBF16, {65}, Role::kConvWeight),
                         spec("u", DType::kU8, {3}, Role::kOtherBuffer)})
      .value();
}

Bytes random_state(const Manifest& manifest, Rng& rng) {
  Bytes flat(manifest.total_bytes());
  for (const auto& tensor : manifest.tensors()) {
    for (uint64_t i = 0; i < tensor.elements; ++i) {
      auto* at = flat.data() + tensor.offset + i * size_of(tensor.dtype);
      const double x = tensor.role == Role::kNormVar ? rng.uniform() : rng.normal();
      const float f = static_cast<float>(x);
      uint16_t half = 0;
      const int64_t integer = static_cast<int64_t>(rng.below(100));
      switch (tensor.dtype) {
        case DType::kF32:
          std::memcpy(at, &f, 4);
          break;
        case DType::kF64:
          std::memcpy(at, &x, 8);
          break;
        case DType::kI64:
          std::memcpy(at, &integer, 8);
          break;
        case DType::kF16:
        case DType::kBF16:
          narrow(tensor.dtype, {&f, 1}, {&half, 1});
          std::memcpy(at, &half, 2);
          break;
        default:
          std::memcpy(at, &integer, size_of(tensor.dtype));
      }
    }
  }
  return flat;
}

// T2, and the size of the pieces in which the file is written does not matter either.
TEST(Reducer, PermutingClientsOrPiecesChangesNoBit) {
  for (const char* policy : {"all", "pooled"}) {
    Rng rng(7, "t2");
    Updates updates(mixed());
    std::vector<size_t> order;
    for (size_t k = 0; k < 9; ++k) {
      updates.add(1 + rng.below(1000), random_state(updates.manifest(), rng));
      order.push_back(k);
    }
    const auto first = updates.reduce(policy).value();
    for (int turn = 0; turn < 4; ++turn) {
      rng.shuffle(std::span(order));
      EXPECT_TRUE(updates.reduce(policy, order, turn % 2 ? 4096 : 1 << 20).value() == first)
          << policy << " turn " << turn;
    }
  }
}

TEST(Reducer, OneClientIsItselfInEveryType) {
  Rng rng(9, "one");
  for (const char* policy : {"all", "pooled"}) {
    Updates updates(mixed());
    auto state = random_state(updates.manifest(), rng);
    updates.set_current(Bytes(state.size(), std::byte{77}));
    updates.add(123, state);
    auto expected = state;
    const auto* kept = updates.manifest().find("u");  // not a counter: the server's own value stays
    for (size_t i = 0; i < 3; ++i) expected[kept->offset + i] = std::byte{77};
    EXPECT_TRUE(updates.reduce(policy).value() == expected) << policy;
  }
}

TEST(Reducer, WeighsEachTypeByHand) {
  Updates doubles(one(DType::kF64, 2));
  doubles.add(1, bytes_of<double>({0, 4}));
  doubles.add(3, bytes_of<double>({4, 0}));
  EXPECT_EQ(values_of<double>(doubles.reduce("all").value()), (std::vector<double>{3, 1}));
  for (DType dtype : {DType::kF16, DType::kBF16}) {
    Updates halves(one(dtype, 2));
    const float a[] = {0, 4}, b[] = {4, 0};
    std::vector<uint16_t> wa(2), wb(2), expected(2);
    narrow(dtype, a, wa);
    narrow(dtype, b, wb);
    const float c[] = {3, 1};
    narrow(dtype, c, expected);
    halves.add(1, bytes_of(wa));
    halves.add(3, bytes_of(wb));
    EXPECT_EQ(values_of<uint16_t>(halves.reduce("all").value()), expected);
  }
}

TEST(Reducer, CountersTakeTheLargestAndStayIntegers) {
  const int64_t large = (1ll << 53) + 1;  // no double holds it
  Updates counters(one(DType::kI64, 3, Role::kNormCount));
  counters.add(1, bytes_of<int64_t>({5, large, -3}));
  counters.add(1000, bytes_of<int64_t>({4, 1, -7}));
  EXPECT_EQ(values_of<int64_t>(counters.reduce("pooled").value()),
            (std::vector<int64_t>{5, large, -3}));
  Updates small(one(DType::kI32, 2, Role::kNormCount));
  small.add(1, bytes_of<int32_t>({1, -1}));
  small.add(1, bytes_of<int32_t>({-2, 7}));
  EXPECT_EQ(values_of<int32_t>(small.reduce("all").value()), (std::vector<int32_t>{1, 7}));
  Updates bytes(one(DType::kU8, 2, Role::kNormCount));
  bytes.add(1, bytes_of<uint8_t>({200, 1}));
  bytes.add(1, bytes_of<uint8_t>({100, 2}));
  EXPECT_EQ(values_of<uint8_t>(bytes.reduce("all").value()), (std::vector<uint8_t>{200, 2}));
}

Manifest norm_slot() {
  return Manifest::make({spec("n.running_mean", DType::kF32, {2}, Role::kNormMean),
                         spec("n.running_var", DType::kF32, {2}, Role::kNormVar)})
      .value();
}

// Golden value: p = (1/2, 1/2), rm = (0, 2), rv = (1, 1) -> rm 1, rv 2. Averaging gives rv 1.
TEST(Reducer, PooledKeepsTheVarianceBetweenClientsAndAllDropsIt) {
  Updates updates(norm_slot());
  updates.add(10, bytes_of<float>({0, 3, 1, 0.5f}));
  updates.add(10, bytes_of<float>({2, 3, 1, 0.5f}));
  EXPECT_EQ(values_of<float>(updates.reduce("pooled").value()),
            (std::vector<float>{1, 3, 2, 0.5f}));
  EXPECT_EQ(values_of<float>(updates.reduce("all").value()), (std::vector<float>{1, 3, 1, 0.5f}));
}

// T5: averaging variances underestimates whenever the means differ, and only then.
TEST(Reducer, AveragedVariancesAreTooSmallWheneverTheMeansDiffer) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Rng rng(seed, "t5");
    Updates apart(norm_slot()), alike(norm_slot());
    const float mean = static_cast<float>(rng.normal());
    for (size_t k = 0; k < 2 + rng.below(8); ++k) {
      const auto n = 1 + rng.below(1000);
      const float step = 0.1f + static_cast<float>(k);
      const auto variance = [&rng] { return static_cast<float>(0.01 + rng.uniform()); };
      const float first = variance(), second = variance();
      apart.add(n, bytes_of<float>({mean + step, mean - 2 * step, first, second}));
      alike.add(n, bytes_of<float>({mean, mean, first, second}));
    }
    const auto of = [](Updates& updates, const char* policy) {
      return values_of<float>(updates.reduce(policy).value());
    };
    const auto naive = of(apart, "all"), pooled = of(apart, "pooled");
    const auto same_naive = of(alike, "all"), same_pooled = of(alike, "pooled");
    for (size_t channel = 2; channel < 4; ++channel) {
      EXPECT_LT(naive[channel], pooled[channel]) << "seed " << seed;
      EXPECT_NEAR(same_naive[channel], same_pooled[channel], 1e-6) << "seed " << seed;
    }
  }
}

TEST(Policy, TellsWhatItCannotPool) {
  using server::Policy;
  const auto orphan = Manifest::make({spec("a.running_var", DType::kF32, {2}, Role::kNormVar),
                                      spec("b.running_mean", DType::kF32, {2}, Role::kNormMean)})
                          .value();
  const auto refused = Policy::make("pooled", orphan);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kModel);
  EXPECT_NE(refused.error().message().find("a.running_var"), std::string::npos);
  EXPECT_FALSE(refused.error().hint().empty());
  EXPECT_TRUE(Policy::make("all", orphan).ok());
  const auto shapes = Manifest::make({spec("a.m", DType::kF32, {3}, Role::kNormMean),
                                      spec("a.v", DType::kF32, {2}, Role::kNormVar)})
                          .value();
  EXPECT_FALSE(Policy::make("pooled", shapes).ok());
  const auto halves = Manifest::make({spec("a.m", DType::kF16, {2}, Role::kNormMean),
                                      spec("a.v", DType::kF16, {2}, Role::kNormVar)})
                          .value();
  EXPECT_NE(Policy::make("pooled", halves).error().message().find("only F32"), std::string::npos);
  EXPECT_EQ(Policy::make("median", shapes).error().code(), ErrorCode::kConfig);
  EXPECT_EQ(server::make_rule("krum").error().code(), ErrorCode::kConfig);
}

Manifest one_of_each() {
  return Manifest::make({spec("n.weight", DType::kF32, {1}, Role::kNormGamma),
                         spec("n.running_mean", DType::kF32, {1}, Role::kNormMean),
                         spec("n.running_var", DType::kF32, {1}, Role::kNormVar),
                         spec("n.num", DType::kI64, {}, Role::kNormCount),
                         spec("n.mix", DType::kF32, {1}, Role::kMixLogit),
                         spec("head", DType::kF32, {1}, Role::kHeadWeight)})
      .value();
}

// Role by role what a policy does: m mean, p pooled, x maximum, k kept by the server; and what it
// asks of clients: l local, r reset, f fixed.
TEST(Policy, TreatsEveryRoleAsItsTableSays) {
  using server::Policy, server::Treatment;
  struct Row {
    const char* name;
    bool fixed;
    const char *server, *client;  // gamma, mean, var, count, mix, head
  };
  for (const auto& row :
       {Row{"all", false, "mmmxmm", "......"}, Row{"pooled", false, "mmpxmm", "......"},
        Row{"affine_only", false, "mkkkmm", ".rrr.."}, Row{"silobn", false, "mkkkkm", ".llll."},
        Row{"fedbn", false, "kkkkkm", "lllll."}, Row{"fixbn", false, "mmmxmm", "......"},
        Row{"fixbn", true, "mkkkmm", ".fff.."}, Row{"hbn", false, "mmpxkm", "....l."},
        Row{"fedper", false, "mmpxmk", ".....l"}}) {
    const auto manifest = one_of_each();
    const auto policy = Policy::make(row.name, manifest, row.fixed);
    ASSERT_TRUE(policy.ok()) << row.name;
    const auto rules = server::rules_for_clients(row.name, row.fixed);
    std::string server, client;
    for (const char* name :
         {"n.weight", "n.running_mean", "n.running_var", "n.num", "n.mix", "head"}) {
      const auto* tensor = manifest.find(name);
      const auto index = static_cast<size_t>(tensor - manifest.tensors().data());
      server += "mpxk"[static_cast<size_t>(policy->treatment(index))];
      auto in = [tensor](const std::vector<Role>& roles) {
        return std::count(roles.begin(), roles.end(), tensor->role) > 0;
      };
      client += in(rules.local) ? 'l' : in(rules.reset) ? 'r' : in(rules.fixed) ? 'f' : '.';
    }
    EXPECT_EQ(server, row.server) << row.name;
    EXPECT_EQ(client, row.client) << row.name;
  }
}

TEST(Policy, StatisticsAreFixedBehindHalfOfTheRoundsOrWhereTheRunSays) {
  using server::statistics_are_fixed;
  EXPECT_FALSE(statistics_are_fixed("fixbn", 0, 5, 10));
  EXPECT_TRUE(statistics_are_fixed("fixbn", 0, 6, 10));
  EXPECT_FALSE(statistics_are_fixed("fixbn", 8, 8, 10));
  EXPECT_TRUE(statistics_are_fixed("fixbn", 8, 9, 10));
  EXPECT_TRUE(statistics_are_fixed("fixbn", 0, 11, 10)) << "the last evaluation";
  EXPECT_FALSE(statistics_are_fixed("all", 0, 11, 10));
}

TEST(Reducer, WhatAPolicyKeepsIsTheServersWhateverIsUploaded) {
  const auto manifest = Manifest::make({spec("fc", DType::kF32, {1}, Role::kLinearWeight),
                                        spec("bn.m", DType::kF32, {1}, Role::kNormMean)})
                            .value();
  Updates updates(manifest);
  updates.set_current(bytes_of<float>({1, 7}));
  updates.add(1, bytes_of<float>({2, 100}));
  updates.add(1, bytes_of<float>({4, 200}));
  EXPECT_EQ(values_of<float>(updates.reduce("fedbn").value()), (std::vector<float>{3, 7}));
  EXPECT_EQ(values_of<float>(updates.reduce("all").value()), (std::vector<float>{3, 150}));
}

// Weights that do not fit the exact sum are scaled, so that no claim of examples ends the run.
TEST(Reducer, HugeWeightsAreScaledNotRefused) {
  Updates updates(one(DType::kF64, 1));
  updates.add(3ull << 38, bytes_of<double>({1}));
  updates.add(1ull << 38, bytes_of<double>({5}));
  EXPECT_EQ(values_of<double>(updates.reduce("all").value()), std::vector<double>{2});
  updates.add(1, bytes_of<double>({5}));
  EXPECT_NEAR(values_of<double>(updates.reduce("all").value())[0], 2, 1e-6);
}

// T3: no mean is longer than the longest of its updates.
TEST(Reducer, NoMeanIsLongerThanItsLongestUpdate) {
  const auto manifest = mixed();
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Rng rng(seed, "t3");
    Updates updates(manifest);
    const auto norm = [&](const Bytes& flat, const TensorSpec& tensor) {
      double square = 0;
      for (uint64_t i = 0; i < tensor.elements; ++i) {
        const auto* at = flat.data() + tensor.offset + i * size_of(tensor.dtype);
        double value = 0;
        if (tensor.dtype == DType::kF64) std::memcpy(&value, at, 8);
        if (tensor.dtype == DType::kF32) {
          float narrow_value = 0;
          std::memcpy(&narrow_value, at, 4);
          value = narrow_value;
        }
        square += value * value;
      }
      return std::sqrt(square);
    };
    std::vector<Bytes> states;
    for (size_t k = 0; k < 2 + rng.below(6); ++k) {
      states.push_back(random_state(manifest, rng));
      updates.add(1 + rng.below(1000), states.back());
    }
    const auto mean = updates.reduce("all").value();
    for (const auto& tensor : manifest.tensors()) {
      if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF64) continue;
      double longest = 0;
      for (const auto& state : states) longest = std::max(longest, norm(state, tensor));
      EXPECT_LE(norm(mean, tensor), longest + 1e-6) << tensor.name << ", seed " << seed;
    }
  }
}

// T3. A rule whose weights sum to more than one is caught by the guard; normalised networks would
// hide it from every accuracy.
TEST(Reducer, TheNormGuardStopsAMeanLongerThanEveryUpdate) {
  Updates updates(one(DType::kF32, 1000));
  Rng rng(11, "t3");
  updates.add(2, bytes_of(weights(rng, 1000)));
  updates.add(5, bytes_of(weights(rng, 1000)));
  EXPECT_TRUE(updates.reduce("all").ok());

  class Doubling : public server::AggregationRule {
   public:
    void init(size_t elements) override { sum_.assign(elements, 0); }
    void accumulate(uint64_t, std::span<const float> v) override {
      for (size_t i = 0; i < v.size(); ++i) sum_[i] += v[i];
    }
    void accumulate(uint64_t, std::span<const double>) override {}
    void merge(const server::AggregationRule&) override {}
    void finish(std::span<float> out) const override {
      for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(sum_[i]);
    }
    void finish(std::span<double>) const override {}

   private:
    std::vector<double> sum_;
  };
  const auto flat = bytes_of(weights(rng, 1000));
  const auto failed = updates.reduce_with(std::make_unique<Doubling>(), {flat, flat});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kInternal);
  EXPECT_NE(failed.error().message().find("tensor w"), std::string::npos);
  // With one update the sum is the update itself, and passes.
  EXPECT_TRUE(updates.reduce_with(std::make_unique<Doubling>(), {flat}).ok());
}

TEST(Reducer, AnEmptyModelReduces) {
  Updates updates(Manifest::make({spec("e", DType::kF32, {0}, Role::kBias)}).value());
  updates.add(1, Bytes());
  EXPECT_TRUE(updates.reduce("all").value().empty());
}

}  // namespace
}  // namespace atl
