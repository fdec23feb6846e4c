// Adaptive clipping of gradients, row by row.
#include <gtest/gtest.h>

#include "client/torch_optimizer.h"

namespace atl::client {
namespace {

// T20: no row moves by more than its share of its length; those below it move as without.
TEST(AdaptiveClip, RowsObeyTheBoundAndSmallGradientsAreLeftAlone) {
  torch::manual_seed(31);
  constexpr double kShare = 0.05;
  for (auto path : {LocalOptimizer::Path::kLoops, LocalOptimizer::Path::kOperators}) {
    auto conv = torch::randn({6, 3, 5, 5}).requires_grad_();
    auto bias = torch::randn({6}).requires_grad_();
    {
      torch::NoGradGuard no_grad;
      conv[5].zero_();  // a row without length: bounded by its least length
    }
    const auto before = conv.detach().clone(), bias_before = bias.detach().clone();
    auto gradient = torch::randn_like(before);
    gradient[0] *= 1e-4;
    gradient[1].zero_();
    const auto bias_gradient = torch::full({6}, 100.0f);
    conv.mutable_grad() = gradient.clone();
    bias.mutable_grad() = bias_gradient;
    LocalOptimizer optimizer({conv, bias}, path);
    optimizer.begin({.adaptive_clip = kShare}, 1.0);
    conv.mutable_grad() = gradient.clone();
    bias.mutable_grad() = bias_gradient.clone();
    optimizer.step();
    auto rows = [](const torch::Tensor& t) { return t.flatten(1).norm(2, 1); };
    const auto step = before - conv.detach();
    const auto bound = rows(before).clamp_min(1e-3) * kShare;
    EXPECT_TRUE((rows(step) <= bound * (1 + 1e-4)).all().item<bool>());
    EXPECT_TRUE(torch::isfinite(step).all().item<bool>());
    EXPECT_TRUE(torch::allclose(step[0], gradient[0], 1e-3, 1e-7));
    // A row that is bounded keeps its direction.
    EXPECT_TRUE(
        torch::allclose(step[2] / step[2].norm(), gradient[2] / gradient[2].norm(), 1e-3, 1e-5));
    EXPECT_NEAR(step[5].norm().item<double>(), 1e-3 * kShare, 1e-8);
    EXPECT_TRUE(torch::allclose(bias_before - bias.detach(), bias_gradient)) << "no weight";
  }
}

}  // namespace
}  // namespace atl::client
