#include "models/tap.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "common/core/rng.h"
#include "models/calibration.h"
#include "models/registry.h"
#include "models/state.h"

namespace atl::models {
namespace {

struct Recorder : Tap {
  void before(const std::string& site, const torch::Tensor& h) override {
    order.push_back("before " + site);
    pre[site] = h.detach().clone();
  }
  void behind(const std::string& site, const torch::Tensor& z) override {
    order.push_back("behind " + site);
    post[site] = z.detach().clone();
  }
  std::vector<std::string> order;
  std::map<std::string, torch::Tensor> pre, post;
};

ModelPtr made(const char* name, const char* norm) {
  auto model = make_model({.name = name, .norm = norm, .input = {3, 32, 32}, .classes = 10});
  EXPECT_TRUE(model.ok());
  initialize(**model, 3);
  return *model;
}

torch::Tensor images(int64_t count) { return torch::randn({count, 3, 32, 32}) * 2 + 1; }

TEST(Tap, HearsEverySlotOfEveryModelInOrder) {
  torch::manual_seed(5);
  for (const auto& name : model_names()) {
    for (const char* norm : {"none", "bn", "ln"}) {
      SCOPED_TRACE(name + " " + norm);
      const auto model = made(name.c_str(), norm);
      const auto x = images(4);
      const Rng dropout(1, "dropout");
      model->draw_from(dropout);
      const auto quiet = model->forward(x);
      model->draw_from(dropout);
      Recorder tap;
      model->set_tap(&tap);
      EXPECT_TRUE(torch::equal(model->forward(x), quiet));
      std::vector<std::string> order, heard_before;
      for (const auto& slot : model->norm_slots()) order.push_back("before " + slot.site);
      for (const auto& event : tap.order)
        if (event.starts_with("before")) heard_before.push_back(event);
      EXPECT_EQ(heard_before, order);
      EXPECT_EQ(tap.order.size(), 2 * order.size());
      for (const auto& slot : model->norm_slots()) {
        EXPECT_EQ(slot.layer == nullptr, std::string(norm) == "none");
        EXPECT_EQ(tap.pre.at(slot.site).size(1), tap.post.at(slot.site).size(1));
        EXPECT_GE(tap.post.at(slot.site).min().item<float>(), 0) << "behind the ReLU";
      }
      const auto heard = tap.order.size();
      model->set_tap(nullptr);
      model->forward(x);
      EXPECT_EQ(tap.order.size(), heard);
    }
  }
}

TEST(Tap, HearsTheSlotsInputAndWhatTheNextLayerGets) {
  torch::manual_seed(5);
  const auto model = made("lenet", "bn");
  Recorder tap;
  model->set_tap(&tap);
  const auto x = images(4);
  model->forward(x);
  const auto weights = model->named_parameters();
  const auto h = torch::conv2d(x, weights["conv1.weight"]);
  EXPECT_TRUE(torch::equal(tap.pre.at("norm1"), h));
  const auto z = torch::relu(
      torch::max_pool2d(torch::batch_norm(h, weights["norm1.weight"], weights["norm1.bias"], {}, {},
                                          true, 0.1, 1e-5, false),
                        2));
  EXPECT_LE((tap.post.at("norm1") - z).abs().max().item<double>(), 1e-5);
  EXPECT_TRUE(torch::equal(tap.pre.at("norm2"),
                           torch::conv2d(tap.post.at("norm1"), weights["conv2.weight"])));
}

torch::Tensor buffer(const ModelPtr& model, const char* name) {
  return model->named_buffers()[name].clone();
}

TEST(Calibration, BatchStatisticsAreUsedAndLeaveTheRunningOnesAlone) {
  torch::manual_seed(6);
  const auto model = made("lenet", "bn");
  model->forward(images(8));
  model->eval();
  const auto x = images(16);
  const auto stored = model->forward(x);
  const auto mean = buffer(model, "norm2.running_mean"), var = buffer(model, "norm2.running_var");
  torch::Tensor of_batch;
  {
    StatisticsGuard guard(*model, Statistics::kBatch);
    of_batch = model->forward(x);
    EXPECT_FALSE(torch::allclose(of_batch, stored));
    EXPECT_TRUE(torch::equal(buffer(model, "norm2.running_mean"), mean));
    EXPECT_TRUE(torch::equal(buffer(model, "norm2.running_var"), var));
    EXPECT_EQ(buffer(model, "norm2.num_batches_tracked").item<int64_t>(), 1);
  }
  EXPECT_TRUE(torch::equal(model->forward(x), stored));
  model->train();
  EXPECT_TRUE(torch::equal(model->forward(x), of_batch)) << "training uses the batch's as well";
}

// T23: on a frozen net the statistics become those of the data set.
TEST(Calibration, RecalibrationFindsTheMomentsOfTheData) {
  torch::manual_seed(7);
  const auto model = made("lenet", "bn");
  for (int i = 0; i < 5; ++i) model->forward(images(8) * 3 - 2);  // stale statistics
  constexpr int64_t kBatches = 6, kSize = 32;
  std::vector<torch::Tensor> batches;
  for (int64_t i = 0; i < kBatches; ++i) batches.push_back(images(kSize) + static_cast<double>(i));
  size_t at = 0;
  recalibrate(*model, kBatches, [&] { return batches[at++]; });
  EXPECT_EQ(at, batches.size());
  EXPECT_FALSE(model->is_training());
  EXPECT_EQ(buffer(model, "norm1.num_batches_tracked").item<int64_t>(), kBatches);

  const auto weight = model->named_parameters()["conv1.weight"];
  auto mean = torch::zeros({6}, torch::kDouble), var = torch::zeros({6}, torch::kDouble);
  for (const auto& batch : batches) {
    const auto flat = torch::conv2d(batch, weight).to(torch::kDouble).transpose(0, 1).flatten(1);
    mean += flat.mean(1) / kBatches;
    var += flat.var(1, /*unbiased=*/true) / kBatches;
  }
  EXPECT_LE((buffer(model, "norm1.running_mean") - mean).abs().max().item<double>(), 1e-4);
  EXPECT_LE(((buffer(model, "norm1.running_var") - var) / var).abs().max().item<double>(), 1e-4);

  // It depends on the data alone, not on what was there before.
  const auto before = buffer(model, "norm2.running_var");
  at = 0;
  recalibrate(*model, kBatches, [&] { return batches[at++]; });
  EXPECT_TRUE(torch::equal(buffer(model, "norm2.running_var"), before));
}

// T23: of shuffled batches of one set they come the nearer the more batches there are.
TEST(Calibration, RecalibrationConvergesToTheMomentsOfTheSet) {
  torch::manual_seed(9);
  const auto model = made("lenet", "bn");
  constexpr int64_t kImages = 512, kSize = 32;
  const auto set =
      images(kImages) * torch::rand({kImages, 1, 1, 1}) + torch::rand({kImages, 1, 1, 1});
  const auto order = torch::randperm(kImages);
  const auto flat = torch::conv2d(set, model->named_parameters()["conv1.weight"])
                        .to(torch::kDouble)
                        .transpose(0, 1)
                        .flatten(1);
  const auto mean = flat.mean(1), var = flat.var(1, /*unbiased=*/true);
  const auto after = [&](int64_t batches) {
    auto parts = order.slice(0, 0, kSize * batches).split(kSize);
    auto next = parts.begin();
    recalibrate(*model, batches, [&] { return set.index_select(0, *next++); });
    return std::pair((buffer(model, "norm1.running_mean") - mean).abs().max().item<double>(),
                     ((buffer(model, "norm1.running_var") - var) / var).abs().max().item<double>());
  };
  const auto two = after(2), all = after(kImages / kSize);
  EXPECT_LE(all.first, 1e-5);
  EXPECT_LE(all.second, 0.05);
  EXPECT_GT(two.first, 100 * all.first);
  EXPECT_GT(two.second, all.second);
}

TEST(Calibration, LeavesModelsWithoutRunningStatisticsAsTheyAre) {
  torch::manual_seed(8);
  const auto model = made("lenet", "ln");
  const auto x = images(4);
  const auto usual = model->forward(x);
  recalibrate(*model, 2, [&] { return images(4); });
  StatisticsGuard guard(*model, Statistics::kBatch);
  EXPECT_TRUE(torch::equal(model->forward(x), usual));
}

}  // namespace
}  // namespace atl::models
