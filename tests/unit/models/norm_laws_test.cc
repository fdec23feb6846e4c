// What theory says of normalised networks, on the real layers: scale invariance and its
// consequences for gradients and weight norms, weight standardization, feature normalization.
#include <gtest/gtest.h>

#include <cmath>

#include "models/norm/feature_norm.h"
#include "models/registry.h"
#include "models/state.h"
#include "tests/unit/models/norm_slots.h"

namespace atl::models {
namespace {

class NormLaws : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(19); }

  // conv -> norm -> a fixed random functional of the output, in double.
  struct Network {
    explicit Network(const std::string& norm) : layer(plain_slot(norm, {6, 2, 6, 6})) {
      layer->to(torch::kDouble);
      conv->to(torch::kDouble);
      torch::NoGradGuard no_grad;
      weight().copy_(torch::randn(weight().sizes(), torch::kDouble));
    }
    torch::Tensor& weight() { return conv_weight; }
    torch::Tensor output() { return layer->forward(conv->forward(x)); }
    double loss() { return (torch::tanh(output()) * c).sum().item<double>(); }
    torch::Tensor gradient() {
      conv->zero_grad();
      (torch::tanh(output()) * c).sum().backward();
      return weight().grad().clone();
    }

    NormPtr layer;
    LayerPtr conv = make_conv({3, 6, 3}, false);
    torch::Tensor conv_weight = parameter(conv, "weight");
    torch::Tensor x = torch::randn({4, 3, 8, 8}, torch::kDouble);
    torch::Tensor c = torch::randn({4, 6, 6, 6}, torch::kDouble);
  };
  static constexpr const char* kInvariant[] = {"bn", "ln", "gn:2", "in", "rms"};
};

double scalar_product(const torch::Tensor& a, const torch::Tensor& b) {
  return (a * b).sum().item<double>();
}

// T6: (E1) and (E3). epsilon is the only thing that knows the scale.
TEST_F(NormLaws, OutputsDoNotKnowTheScaleOfTheWeightsAndGradientsAreOrthogonalToThem) {
  for (const std::string norm : kInvariant) {
    SCOPED_TRACE(norm);
    Network net(norm + ",epsilon=1e-12");
    const auto output = net.output().detach().clone();
    const auto gradient = net.gradient();
    const double lengths = net.weight().norm().item<double>() * gradient.norm().item<double>();
    EXPECT_GT(gradient.norm().item<double>(), 1e-3);
    EXPECT_LE(std::abs(scalar_product(net.weight(), gradient)), 1e-5 * lengths);
    for (double a : {0.1, 10.0}) {
      torch::NoGradGuard no_grad;
      net.weight().mul_(a);
      expect_close(net.output(), output, 1e-6);
      {
        torch::AutoGradMode grad(true);
        expect_close(net.gradient(), gradient / a, 1e-6 * std::max(1.0, 1 / a));  // (E2)
      }
      net.weight().div_(a);
    }
  }
  // The law says something: without a norm neither holds.
  Network bare("ln");
  torch::NoGradGuard no_grad;
  const auto h = bare.conv->forward(bare.x);
  bare.weight().mul_(10);
  EXPECT_GT(distance(bare.conv->forward(bare.x), h), 1);
}

// T7: (E4) without weight decay and (E5) with it; one step of SGD.
TEST_F(NormLaws, AStepOfSgdLengthensTheWeightsByTheGradient) {
  constexpr double kRate = 0.05;
  for (const std::string norm : kInvariant) {
    for (double decay : {0.0, 0.1}) {
      Network net(norm + ",epsilon=1e-15");
      const auto gradient = net.gradient();
      const double before = scalar_product(net.weight(), net.weight());
      torch::NoGradGuard no_grad;
      net.weight().sub_(kRate * (gradient + decay * net.weight()));
      const double keep = 1 - kRate * decay;
      const double expected =
          keep * keep * before + kRate * kRate * scalar_product(gradient, gradient);
      EXPECT_LE(std::abs(scalar_product(net.weight(), net.weight()) / expected - 1), 1e-10)
          << norm << " " << decay;
    }
  }
}

// T19
TEST_F(NormLaws, StandardizedWeightsHaveMeanZeroAndTheVarianceOfTheirGain) {
  const auto conv = make_ws_conv({3, 8, 5, 2, 2}, true);
  torch::NoGradGuard no_grad;
  parameter(conv, "weight").normal_(0.3, 0.7);
  parameter(conv, "gain").uniform_(0.5, 2);
  // The effective weights, read off with one image per input position.
  const auto basis = torch::eye(75).reshape({75, 3, 5, 5});
  const auto plain = make_ws_conv({3, 8, 5, 0, 1}, false);
  parameter(plain, "weight").copy_(parameter(conv, "weight"));
  parameter(plain, "gain").copy_(parameter(conv, "gain"));
  const auto effective = plain->forward(basis).reshape({75, 8}).t();
  EXPECT_LE(effective.mean(1).abs().max().item<double>(), 1e-6);
  const auto gain = parameter(conv, "gain");
  expect_close(effective.var(1, false) * 75, gain.square(), 1e-5);
  // And it is a convolution with them.
  parameter(conv, "bias").normal_();
  const auto x = torch::randn({2, 3, 9, 9});
  expect_close(conv->forward(x),
               torch::conv2d(x, effective.reshape({8, 3, 5, 5}), parameter(conv, "bias"), 2, 2),
               1e-4);
  // Constant weights have no variance: bounded, not divided by zero.
  parameter(plain, "weight").fill_(2);
  EXPECT_EQ(plain->forward(basis).abs().max().item<float>(), 0);
}

TEST_F(NormLaws, FeaturesGetTheirLengthOrTheirMoments) {
  const auto f = torch::relu(torch::randn({5, 64}));
  const auto unit = normalize_features(FeatureNorm::kLength, f, 1e-5);
  expect_close(unit.norm(2, 1), torch::full({5}, 8.0f), 1e-3);
  expect_close(unit, f / f.norm(2, 1, true) * 8, 1e-3);
  const auto mv = normalize_features(FeatureNorm::kMoments, f, 1e-5);
  expect_close(mv.mean(1), torch::zeros({5}), 1e-6);
  expect_close(mv.var(1, false), torch::ones({5}), 1e-3);
  expect_close(normalize_features(FeatureNorm::kNone, f, 1e-5), f, 0);
  const auto nothing = torch::zeros({1, 4}).set_requires_grad(true);
  auto y = normalize_features(FeatureNorm::kLength, nothing, 1e-5);
  y.sum().backward();
  EXPECT_TRUE(torch::isfinite(nothing.grad()).all().item<bool>());
}

ModelPtr network(const char* norm) {
  auto model = make_model({.name = "mlp", .norm = norm, .input = {48}, .classes = 10});
  EXPECT_TRUE(model.ok()) << model.error().message();
  initialize(**model, 23);
  torch::NoGradGuard no_grad;
  // Both propositions are about networks without biases (behind the first layer).
  for (const auto& item : (*model)->named_parameters())
    if (item.key() == "fc2.bias") item.value().zero_();
  return *model;
}

double relative(const torch::Tensor& a, const torch::Tensor& b) {
  return distance(a, b) / b.abs().max().item<double>();
}

// T18, proposition 1 of arXiv 2308.09565: scaling every layer equals scaling the last features.
TEST_F(NormLaws, ScalingEveryLayerIsScalingTheFeatures) {
  const auto x = torch::randn({7, 48}) * 2;
  const auto everywhere = network("rms+fn,epsilon=1e-9"), last = network("fn,epsilon=1e-9");
  torch::NoGradGuard no_grad;
  // The first layer's bias comes before any scaling, and is only there without a norm.
  last->named_parameters()["fc1.bias"].zero_();
  EXPECT_LE(relative(everywhere->forward(x), last->forward(x)), 1e-4);
  EXPECT_GT(relative(network("rms,epsilon=1e-9")->forward(x), last->forward(x)), 0.01);
}

// T18, proposition 2: layer normalization everywhere equals moments of the last features, with the
// mean subtracted on the way.
TEST_F(NormLaws, LayerNormEverywhereIsMomentsOfTheFeaturesAndCentringOnTheWay) {
  const auto x = torch::randn({7, 48}) * 2;
  const auto model = network("ln+fn:mv,epsilon=1e-9");
  torch::NoGradGuard no_grad;
  const auto w = model->named_parameters();
  auto centred = [](const torch::Tensor& h) { return h - h.mean(1, /*keepdim=*/true); };
  auto f = torch::relu(centred(torch::linear(x, w["fc1.weight"])));
  f = torch::relu(centred(torch::linear(f, w["fc2.weight"])));
  f = torch::layer_norm(f, {f.size(1)}, {}, {}, 1e-9);
  const auto logits = torch::linear(f, w["fc3.weight"], w["fc3.bias"]);
  EXPECT_LE(relative(model->forward(x), logits), 1e-4);
}

}  // namespace
}  // namespace atl::models
