#include "client/torch_optimizer.h"

#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim.h>

namespace atl::client {
namespace {

using Path = LocalOptimizer::Path;

struct Setting {
  const char* name;
  wire::TrainSettings settings;
};

std::vector<Setting> all_settings() {
  auto sgd = [](double momentum, bool nesterov, double decay, double clip) {
    return wire::TrainSettings{
        .momentum = momentum, .nesterov = nesterov, .weight_decay = decay, .clip_norm = clip};
  };
  auto adamw = [](double decay, double clip) {
    return wire::TrainSettings{.optimizer = "adamw",
                               .learning_rate = 0.01,
                               .weight_decay = decay,
                               .beta1 = 0.8,
                               .beta2 = 0.95,
                               .epsilon = 1e-6,
                               .clip_norm = clip};
  };
  return {{"sgd", sgd(0, false, 0, 0)},
          {"decay", sgd(0, false, 0.1, 0)},
          {"momentum", sgd(0.9, false, 0, 0)},
          {"momentum and decay", sgd(0.9, false, 0.1, 0)},
          {"nesterov", sgd(0.9, true, 0, 0)},
          {"nesterov and decay", sgd(0.9, true, 0.1, 0)},
          {"clipped", sgd(0.9, true, 0.1, 0.7)},
          {"clip out of reach", sgd(0, false, 0, 1e9)},
          {"adamw", adamw(0, 0)},
          {"adamw and decay", adamw(0.2, 0)},
          {"adamw clipped", adamw(0.2, 0.7)}};
}

std::vector<torch::Tensor> parameters_like(const std::vector<torch::Tensor>& from) {
  std::vector<torch::Tensor> copies;
  for (const auto& t : from) copies.push_back(t.detach().clone().requires_grad_());
  return copies;
}

std::unique_ptr<torch::optim::Optimizer> theirs(const std::vector<torch::Tensor>& parameters,
                                                const wire::TrainSettings& s) {
  if (s.optimizer == "adamw") {
    return std::make_unique<torch::optim::AdamW>(parameters,
                                                 torch::optim::AdamWOptions(s.learning_rate)
                                                     .betas({s.beta1, s.beta2})
                                                     .eps(s.epsilon)
                                                     .weight_decay(s.weight_decay));
  }
  return std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(s.learning_rate)
                                                             .momentum(s.momentum)
                                                             .nesterov(s.nesterov)
                                                             .weight_decay(s.weight_decay));
}

class OptimizerTest : public testing::TestWithParam<Path> {};

// Twenty steps on the same gradients; the third tensor never has one.
TEST_P(OptimizerTest, TakesPyTorchsSteps) {
  for (const auto& [name, settings] : all_settings()) {
    SCOPED_TRACE(name);
    torch::manual_seed(21);
    const std::vector<torch::Tensor> start = {torch::randn({7, 5}), torch::randn({13}),
                                              torch::randn({4}), torch::randn({3, 2, 5, 5})};
    auto ours = parameters_like(start), reference = parameters_like(start);
    LocalOptimizer optimizer(ours, GetParam());
    optimizer.begin(settings, settings.learning_rate);
    const auto pytorch = theirs(reference, settings);
    for (int step = 0; step < 20; ++step) {
      for (size_t i = 0; i < start.size(); ++i) {
        if (i == 2) continue;
        const auto gradient = torch::randn(start[i].sizes());
        ours[i].mutable_grad() = gradient.clone();
        reference[i].mutable_grad() = gradient.clone();
      }
      optimizer.step();
      if (settings.clip_norm > 0) torch::nn::utils::clip_grad_norm_(reference, settings.clip_norm);
      pytorch->step();
    }
    for (size_t i = 0; i < start.size(); ++i) {
      EXPECT_TRUE(torch::allclose(ours[i], reference[i], /*rtol=*/1e-5, /*atol=*/2e-6))
          << i << ": " << (ours[i] - reference[i]).abs().max().item<double>();
      EXPECT_EQ(torch::equal(ours[i], start[i]), i == 2);
    }
  }
}

TEST_P(OptimizerTest, ForgetsWhatWasBefore) {
  for (const auto& [name, settings] : all_settings()) {
    SCOPED_TRACE(name);
    torch::manual_seed(22);
    const std::vector<torch::Tensor> start = {torch::randn({6, 3})};
    const auto gradient = torch::randn({6, 3});
    auto fresh = parameters_like(start), used = parameters_like(start);
    LocalOptimizer first(fresh, GetParam()), second(used, GetParam());
    for (const auto& before : all_settings()) {
      second.begin(before.settings, 0.5);
      used[0].mutable_grad() = torch::ones({6, 3});
      second.step();
    }
    {
      torch::NoGradGuard no_grad;
      used[0].copy_(start[0]);
    }
    for (auto* optimizer : {&first, &second}) {
      optimizer->begin(settings, 0.1);
      auto& parameter = optimizer == &first ? fresh[0] : used[0];
      for (int step = 0; step < 3; ++step) {
        parameter.mutable_grad() = gradient.clone();
        optimizer->step();
      }
    }
    EXPECT_TRUE(torch::equal(fresh[0], used[0]));
  }
}

TEST_P(OptimizerTest, ClipsTheNormOverAllParameters) {
  std::vector<torch::Tensor> parameters = {torch::zeros({1}).requires_grad_(),
                                           torch::zeros({1}).requires_grad_()};
  LocalOptimizer optimizer(parameters, GetParam());
  optimizer.begin({.clip_norm = 1}, 1);
  parameters[0].mutable_grad() = torch::full({1}, 3.0f);
  parameters[1].mutable_grad() = torch::full({1}, 4.0f);
  optimizer.step();
  EXPECT_NEAR(parameters[0].item<double>(), -0.6, 1e-6);
  EXPECT_NEAR(parameters[1].item<double>(), -0.8, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Paths, OptimizerTest, testing::Values(Path::kLoops, Path::kOperators),
                         [](const auto& info) {
                           return info.param == Path::kLoops ? "Loops" : "Operators";
                         });

}  // namespace
}  // namespace atl::client
