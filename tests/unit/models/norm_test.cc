#include <torch/nn/functional.h>

#include "tests/unit/models/norm_slots.h"

namespace atl::models {
namespace {

namespace F = torch::nn::functional;

class NormTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(11); }
};

TEST_F(NormTest, NoneIsAnEmptySlot) { EXPECT_EQ(slot("none", {6, 2}), nullptr); }

TEST_F(NormTest, BatchNormIsPyTorchsInTrainingAndEvaluation) {
  for (int spatial : {2, 0}) {
    auto ours = random_slot("bn", {6, spatial});
    torch::Tensor mean = torch::zeros({6}), var = torch::ones({6});
    auto shape = spatial == 2 ? std::vector<int64_t>{4, 6, 5, 5} : std::vector<int64_t>{4, 6};
    for (int step = 0; step < 3; ++step) {
      const auto x = torch::randn(shape) * 3 + 1;
      const auto theirs = F::batch_norm(x, mean, var,
                                        F::BatchNormFuncOptions()
                                            .weight(gamma(ours))
                                            .bias(beta(ours))
                                            .training(true)
                                            .momentum(0.1));
      expect_close(ours->forward(x), theirs, 0);
    }
    const auto buffers = ours->named_buffers();
    expect_close(buffers["running_mean"], mean, 0);
    expect_close(buffers["running_var"], var, 0);
    EXPECT_EQ(buffers["num_batches_tracked"].item<int64_t>(), 3);
    EXPECT_EQ(buffers["num_batches_tracked"].scalar_type(), torch::kLong);

    ours->eval();
    const auto x = torch::randn(shape);
    expect_close(
        ours->forward(x),
        F::batch_norm(x, mean, var, F::BatchNormFuncOptions().weight(gamma(ours)).bias(beta(ours))),
        0);
    EXPECT_EQ(buffers["num_batches_tracked"].item<int64_t>(), 3);
  }
}

// A forward pass by hand in double, so that the biased and the unbiased variance are pinned.
TEST_F(NormTest, BatchNormUsesTheBiasedVarianceAndStoresTheUnbiased) {
  auto ours = slot("bn", {2, 2});
  gamma(ours).detach().fill_(1);
  const auto x = torch::randn({3, 2, 4, 4}) * 2;
  const auto flat = x.to(torch::kDouble).transpose(0, 1).reshape({2, -1});
  const auto biased = flat.var(1, /*unbiased=*/false);
  const auto by_hand = (flat - flat.mean(1, true)) / (biased.unsqueeze(1) + 1e-5).sqrt();
  expect_close(ours->forward(x).to(torch::kDouble).transpose(0, 1).reshape({2, -1}), by_hand, 1e-5);
  const auto stored = 0.9 + 0.1 * flat.var(1, /*unbiased=*/true);
  expect_close(ours->named_buffers()["running_var"].to(torch::kDouble), stored, 1e-5);
}

TEST_F(NormTest, BatchNormOnOneValueAChannelUsesTheRunningStatistics) {
  auto ours = random_slot("bn", {6, 0});
  ours->forward(torch::randn({8, 6}));
  const auto mean = ours->named_buffers()["running_mean"].clone();
  const auto x = torch::randn({1, 6});
  const auto trained = ours->forward(x);
  EXPECT_TRUE(torch::isfinite(trained).all().item<bool>());
  EXPECT_EQ(ours->named_buffers()["num_batches_tracked"].item<int64_t>(), 1);
  expect_close(ours->named_buffers()["running_mean"], mean, 0);
  ours->eval();
  expect_close(ours->forward(x), trained, 0);
}

TEST_F(NormTest, LayerNormOverTheExampleWithAffinePerChannel) {
  auto ours = random_slot("ln", {6, 2});
  const auto x = torch::randn({4, 6, 5, 5}) * 3 + 1;
  const auto plain = F::layer_norm(x, F::LayerNormFuncOptions({6, 5, 5}));
  const auto theirs = plain * gamma(ours).view({1, 6, 1, 1}) + beta(ours).view({1, 6, 1, 1});
  expect_close(ours->forward(x), theirs, 1e-5);

  auto rows = random_slot("ln", {6, 0});
  const auto y = torch::randn({4, 6}) * 3 + 1;
  expect_close(rows->forward(y),
               F::layer_norm(y, F::LayerNormFuncOptions({6}).weight(gamma(rows)).bias(beta(rows))),
               0);
}

TEST_F(NormTest, GroupNormIsPyTorchs) {
  for (const char* name : {"gn:1", "gn:2", "gn:3", "gn:6"}) {
    auto ours = random_slot(name, {6, 2});
    const auto x = torch::randn({4, 6, 5, 5}) * 3 + 1;
    const auto groups = parse_norm(name)->groups;
    expect_close(
        ours->forward(x),
        F::group_norm(x, F::GroupNormFuncOptions(groups).weight(gamma(ours)).bias(beta(ours))), 0);
    // By hand: one group's values have mean 0 and variance 1 before the affine part.
    const auto plain =
        (ours->forward(x) - beta(ours).view({1, 6, 1, 1})) / gamma(ours).view({1, 6, 1, 1});
    const auto grouped = plain.reshape({4, groups, -1});
    EXPECT_LE(grouped.mean(2).abs().max().item<double>(), 1e-5);
    EXPECT_LE((grouped.var(2, false) - 1).abs().max().item<double>(), 1e-3);
  }
}

TEST_F(NormTest, LayerNormIsGroupNormOfOneGroup) {
  auto ln = random_slot("ln", {6, 2});
  auto gn = slot("gn:1", {6, 2});
  torch::NoGradGuard no_grad;
  gamma(gn).copy_(gamma(ln));
  beta(gn).copy_(beta(ln));
  const auto x = torch::randn({3, 6, 4, 4});
  expect_close(ln->forward(x), gn->forward(x), 0);
}

}  // namespace
}  // namespace atl::models
