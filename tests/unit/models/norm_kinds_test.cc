// The norms beside bn, ln and gn, each against PyTorch's functions or against its definition in
// double.
#include <gmock/gmock.h>
#include <torch/nn/functional.h>

#include "models/norm/feature_norm.h"
#include "models/registry.h"
#include "models/state.h"
#include "tests/unit/models/norm_slots.h"

namespace atl::models {
namespace {

namespace F = torch::nn::functional;
using testing::HasSubstr;

class NormKinds : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(13); }
  const torch::Tensor x_ = torch::randn({4, 6, 5, 5}) * 3 + 1;
};

TEST_F(NormKinds, LayerNormWithAnAffinePartPerElementIsPyTorchs) {
  auto ours = random_slot("ln_e", {6, 2, 5, 5});
  EXPECT_EQ(gamma(ours).sizes(), (std::vector<int64_t>{6, 5, 5}));
  const auto options = F::LayerNormFuncOptions({6, 5, 5}).weight(gamma(ours)).bias(beta(ours));
  expect_close(ours->forward(x_), F::layer_norm(x_, options), 0);
  // On rows an element is a channel.
  EXPECT_EQ(gamma(slot("ln_e", {6, 0})).sizes(), (std::vector<int64_t>{6}));
  const auto nowhere = make_norm(*parse_norm("ln_e"), {6, 2});
  ASSERT_FALSE(nowhere.ok());
  EXPECT_THAT(nowhere.error().explain(), HasSubstr("take ln"));
}

// T8
TEST_F(NormKinds, OneStatisticManyNames) {
  auto ln = plain_slot("ln", {6, 2, 5, 5});
  expect_close(ln->forward(x_), plain_slot("gn:1", {6, 2})->forward(x_), 0);
  expect_close(ln->forward(x_), plain_slot("ln_e", {6, 2, 5, 5})->forward(x_), 1e-5);
  auto in = random_slot("in", {6, 2, 5, 5});
  const auto options = F::InstanceNormFuncOptions().weight(gamma(in)).bias(beta(in));
  expect_close(in->forward(x_), F::instance_norm(x_, options), 1e-5);
  auto gn = slot("gn:6", {6, 2});
  torch::NoGradGuard no_grad;
  gamma(gn).copy_(gamma(in));
  beta(gn).copy_(beta(in));
  expect_close(in->forward(x_), gn->forward(x_), 0);
}

TEST_F(NormKinds, GroupsFallBackToTheGreatestCommonDivisorAndSaySo) {
  auto fallen = plain_slot("gn:4", {6, 2});
  EXPECT_EQ(fallen->note(), "6 channels do not divide into 4 groups: it has 2");
  expect_close(fallen->forward(x_), plain_slot("gn:2", {6, 2})->forward(x_), 0);
  EXPECT_EQ(plain_slot("gn:2", {6, 2})->note(), "");
  expect_close(plain_slot("gn:32", {7, 0})->forward(torch::ones({2, 7})), torch::zeros({2, 7}), 0);
}

TEST_F(NormKinds, InstanceNormIsLayerNormWhereAnExampleHasOneValueAChannel) {
  const auto pixels = torch::randn({4, 6, 1, 1});
  for (const NormSite& site : {NormSite{6, 2, 1, 1}, NormSite{6, 0}}) {
    auto in = plain_slot("in", site);
    EXPECT_THAT(in->note(), HasSubstr("it is ln"));
    const auto x = site.spatial == 0 ? pixels.flatten(1) : pixels;
    expect_close(in->forward(x), plain_slot("ln", site)->forward(x), 1e-6);
    EXPECT_GT(in->forward(x).abs().max().item<double>(), 0.5);
  }
  EXPECT_EQ(plain_slot("in", {6, 2, 5, 5})->note(), "");
}

TEST_F(NormKinds, RmsNormDividesByTheRootMeanSquareOfTheExample) {
  for (int spatial : {2, 0}) {
    auto ours = random_slot("rms", {6, spatial});
    const auto x = spatial == 2 ? x_ : torch::randn({4, 6}) * 2 - 1;
    const auto wide = x.to(torch::kDouble).flatten(1);
    const auto scaled = (wide / (wide.square().mean(1, true) + 1e-5).sqrt()).reshape(x.sizes());
    const auto by_hand = scaled * per_channel(gamma(ours).to(torch::kDouble), x) +
                         per_channel(beta(ours).to(torch::kDouble), x);
    expect_close(ours->forward(x).to(torch::kDouble), by_hand, 1e-5);
  }
}

TEST_F(NormKinds, BatchNormWithoutStatisticsAlwaysTakesTheBatch) {
  auto ours = random_slot("bn_nostat", {6, 2});
  EXPECT_EQ(ours->buffers().size(), 0u);
  const auto trained = ours->forward(x_);
  auto bn = slot("bn", {6, 2});
  torch::NoGradGuard no_grad;
  gamma(bn).copy_(gamma(ours));
  beta(bn).copy_(beta(ours));
  expect_close(trained, bn->forward(x_), 0);
  ours->eval();
  expect_close(ours->forward(x_), trained, 0);
  const auto first = ours->forward(x_.slice(0, 0, 2));
  EXPECT_GT(distance(first, trained.slice(0, 0, 2)), 1e-3) << "the rest of the batch matters";
  EXPECT_THROW(plain_slot("bn_nostat", {6, 0})->forward(torch::randn({1, 6})), c10::Error);
}

// With empty bounds r and d make it the running statistics exactly; far from them it is bounded.
TEST_F(NormKinds, BatchRenormIsTheRunningNormWithinItsBounds) {
  auto brn = random_slot("brn", {6, 2});
  running(brn, "running_mean").fill_(0.5);
  running(brn, "running_var").fill_(6);
  const auto mean = running(brn, "running_mean").clone(), var = running(brn, "running_var").clone();
  const auto by_running =
      torch::batch_norm(x_, gamma(brn), beta(brn), mean, var, false, 0, 1e-5, false);
  expect_close(brn->forward(x_), by_running, 1e-5);
  const auto flat = x_.transpose(0, 1).flatten(1);
  expect_close(running(brn, "running_mean"), 0.9 * mean + 0.1 * flat.mean(1), 1e-5);
  expect_close(running(brn, "running_var"), 0.9 * var + 0.1 * flat.var(1, true), 1e-4);
  EXPECT_EQ(running(brn, "num_batches_tracked").item<int64_t>(), 1);

  // Far off: r = 1/3 and d = 5, by hand.
  auto far = plain_slot("brn", {6, 2});
  running(far, "running_mean").fill_(-1000);
  running(far, "running_var").fill_(100 * 100);
  const auto batch = plain_slot("bn", {6, 2})->forward(x_);
  expect_close(far->forward(x_), batch / 3 + 5, 1e-4);

  // No gradient through r and d: that of the batch's normalization, times r.
  auto y = x_.clone().set_requires_grad(true), z = x_.clone().set_requires_grad(true);
  auto again = plain_slot("brn", {6, 2});
  running(again, "running_mean").fill_(-1000);
  running(again, "running_var").fill_(100 * 100);
  const auto weights = torch::randn_like(x_);
  (again->forward(y) * weights).sum().backward();
  (plain_slot("bn", {6, 2})->forward(z) * weights).sum().backward();
  expect_close(y.grad(), z.grad() / 3, 1e-4);
}

TEST_F(NormKinds, WithoutAffinePartThereIsNothingToTrain) {
  for (const char* text : {"bn", "bn_nostat", "brn", "ln", "ln_e", "gn:2", "in", "rms", "fbn"}) {
    auto bare = slot(std::string(text) + ",affine=0", {6, 2, 5, 5});
    EXPECT_EQ(bare->parameters().size(), 0u) << text;
    auto whole = plain_slot(text, {6, 2, 5, 5});
    expect_close(bare->forward(x_), whole->forward(x_), 1e-6);
  }
}

// T9. One value a channel and example is the hard case for what needs batches.
TEST_F(NormKinds, WhatTrainingAndEvaluationDifferIn) {
  const std::vector<std::string> same = {"ln", "ln_e", "gn:2", "in", "rms", "bn_nostat"};
  const std::vector<std::string> other = {"bn", "bn_fixed", "brn", "hbn"};
  for (const auto* texts : {&same, &other}) {
    for (const auto& text : *texts) {
      auto layer = random_slot(text, {6, 2, 5, 5});
      const auto trained = layer->forward(x_).detach().clone();
      layer->eval();
      EXPECT_EQ(torch::equal(trained, layer->forward(x_)), texts == &same) << text;
    }
  }
}

// T9: nor do layers without a norm, standardised weights, and whole networks of them.
TEST_F(NormKinds, NetworksWithoutBatchStatisticsAreTheSameInTrainingAndEvaluation) {
  auto conv = make_ws_conv({3, 8, 5, 2, 1}, true);
  {
    torch::NoGradGuard no_grad;
    for (auto& tensor : conv->parameters()) tensor.uniform_(-1, 1);
  }
  const auto images = torch::randn({4, 3, 32, 32});
  const auto trained = conv->forward(images).detach().clone();
  conv->eval();
  EXPECT_TRUE(torch::equal(conv->forward(images), trained));
  for (const char* norm : {"none", "ws", "gn:2+ws", "ln", "bn"}) {
    auto model = make_model({.name = "lenet", .norm = norm, .input = {3, 32, 32}, .classes = 10});
    ASSERT_TRUE(model.ok()) << norm;
    initialize(**model, 3);
    (*model)->train();
    const auto before = (*model)->forward(images).detach().clone();
    (*model)->eval();
    EXPECT_EQ(torch::equal((*model)->forward(images), before), std::string(norm) != "bn") << norm;
  }
}

// T9: where a batch is a single value a channel, nothing but the batch's own statistics fails.
TEST_F(NormKinds, ASingleValueAChannelStopsOnlyWhatHasNothingButTheBatch) {
  const std::pair<NormSite, torch::Tensor> sites[] = {{{6, 0}, torch::randn({1, 6})},
                                                      {{6, 2, 1, 1}, torch::randn({1, 6, 1, 1})}};
  for (const auto& [site, x] : sites) {
    for (const char* text : {"ln", "ln_e", "gn:2", "in", "rms", "bn", "bn_fixed", "brn", "hbn"}) {
      auto layer = random_slot(text, site);
      EXPECT_TRUE(torch::isfinite(layer->forward(x)).all().item<bool>()) << text;
    }
    EXPECT_THROW(plain_slot("bn_nostat", site)->forward(x), c10::Error);
  }
}

TEST_F(NormKinds, FixedBatchNormStopsMovingAfterItsRound) {
  auto layer = random_slot("bn_fixed", {6, 2});
  layer->begin_round(5, 10);  // half of the rounds: still moving
  layer->forward(x_);
  EXPECT_EQ(running(layer, "num_batches_tracked").item<int64_t>(), 1);
  layer->begin_round(6, 10);
  const auto mean = running(layer, "running_mean").clone();
  auto y = layer->forward(x_);
  EXPECT_TRUE(torch::equal(running(layer, "running_mean"), mean));
  EXPECT_EQ(running(layer, "num_batches_tracked").item<int64_t>(), 1);
  y.sum().backward();
  EXPECT_TRUE(gamma(layer).grad().defined()) << "gamma still learns";
  layer->eval();
  EXPECT_TRUE(torch::equal(layer->forward(x_), y)) << "training is evaluation in phase 2";
  auto early = random_slot("bn_fixed,fix_after=2", {6, 2});
  early->begin_round(3, 10);
  early->forward(x_);
  EXPECT_EQ(running(early, "num_batches_tracked").item<int64_t>(), 0);
}

}  // namespace
}  // namespace atl::models
