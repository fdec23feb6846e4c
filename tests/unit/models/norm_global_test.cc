// Norms with statistics of the whole federation: hbn and fbn.
#include "tests/unit/models/norm_slots.h"

namespace atl::models {
namespace {

class GlobalNorms : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(17); }

  static torch::Tensor normalized(const torch::Tensor& x, const torch::Tensor& mean,
                                  const torch::Tensor& var) {
    return (x - per_channel(mean, x)) / (per_channel(var, x) + 1e-5).sqrt();
  }
  static void set_global(const NormPtr& layer) {
    torch::NoGradGuard no_grad;
    running(layer, "running_mean").copy_(torch::linspace(-1, 1, 3));
    running(layer, "running_var").copy_(torch::linspace(1, 4, 3));
  }
};

TEST_F(GlobalNorms, HybridMixesBatchAndGlobalStatistics) {
  auto layer = plain_slot("hbn", {3, 2});
  set_global(layer);
  {
    torch::NoGradGuard no_grad;
    parameter(layer, "mix").copy_(torch::tensor({-30.0f, 0.0f, 30.0f}));  // s = 0, 1/2, 1
  }
  const auto x = torch::randn({4, 3, 5, 5}) * 2 + 3;
  const auto flat = x.transpose(0, 1).flatten(1);
  const auto gm = running(layer, "running_mean").clone(),
             gv = running(layer, "running_var").clone();
  const auto s = torch::tensor({0.0f, 0.5f, 1.0f});
  const auto mean = (1 - s) * gm + s * flat.mean(1);
  const auto var = (1 - s) * gv + s * flat.var(1, false);
  const auto y = layer->forward(x);
  expect_close(y, normalized(x, mean, var), 1e-5);
  expect_close(running(layer, "running_mean"), gm, 0);  // stays during the round
  (y * torch::randn_like(x)).sum().backward();
  EXPECT_GT(parameter(layer, "mix").grad()[1].abs().item<double>(), 1e-4) << "the mix learns";
  layer->eval();
  expect_close(layer->forward(x), normalized(x, gm, gv), 1e-5);
}

TEST_F(GlobalNorms, FederatedTrainsWithTheGlobalStatistics) {
  auto layer = plain_slot("fbn", {3, 2});
  set_global(layer);
  const auto x = torch::randn({4, 3, 5, 5});
  const auto trained = layer->forward(x);
  layer->eval();
  expect_close(layer->forward(x), trained, 1e-6);
}

// Batches of different sizes: the round's moments are those of all its values together.
TEST_F(GlobalNorms, ARoundEndsWithTheMomentsOfItsValues) {
  const std::vector<torch::Tensor> batches = {torch::randn({4, 3, 5, 5}) * 2 + 3,
                                              torch::randn({1, 3, 5, 5}) - 7};
  const auto all = torch::cat(batches, 0).transpose(0, 1).flatten(1).to(torch::kDouble);
  const auto m = all.mean(1), v = all.var(1, true);
  auto hbn = plain_slot("hbn", {3, 2});
  auto fbn = plain_slot("fbn,momentum=0.25", {3, 2});
  for (const auto& layer : {hbn, fbn}) {
    set_global(layer);
    layer->begin_round(1, 10);
    for (const auto& x : batches) layer->forward(x);
    layer->end_round();
    EXPECT_EQ(running(layer, "num_batches_tracked").item<int64_t>(), 2);
  }
  expect_close(running(hbn, "running_mean").to(torch::kDouble), m, 1e-5);
  expect_close(running(hbn, "running_var").to(torch::kDouble), v, 1e-4);
  // fbn: a mixture of the global distribution and the round's, 3 to 1.
  const auto gm = torch::linspace(-1, 1, 3, torch::kDouble);
  const auto gv = torch::linspace(1, 4, 3, torch::kDouble);
  const auto mean = 0.75 * gm + 0.25 * m;
  const auto var = 0.75 * (gv + gm.square()) + 0.25 * (v + m.square()) - mean.square();
  expect_close(running(fbn, "running_mean").to(torch::kDouble), mean, 1e-5);
  expect_close(running(fbn, "running_var").to(torch::kDouble), var, 1e-4);

  // What a round left half way must not enter the next.
  const auto before = running(hbn, "running_mean").clone();
  hbn->begin_round(2, 10);
  hbn->forward(batches[0] + 1000);
  hbn->begin_round(2, 10);
  hbn->end_round();
  expect_close(running(hbn, "running_mean"), before, 0);
}

}  // namespace
}  // namespace atl::models
