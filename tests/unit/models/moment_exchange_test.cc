// FedTAN's synchronised step on real models: with one local step it is BatchNorm on the union of
// all batches.
#include "models/norm/moment_exchange.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "models/registry.h"
#include "models/state.h"
#include "tests/unit/models/norm_slots.h"

namespace atl::models {
namespace {

constexpr int64_t kSizes[] = {5, 12, 7};  // batches of the three clients

class MomentExchangeTest : public testing::Test {
 protected:
  static ModelPtr model(const std::string& norm = "bn") {
    wire::ModelSpec spec;
    spec.name = "cnn3";
    spec.norm = norm;
    spec.input = {1, 16, 16};
    spec.classes = 4;
    auto made = make_model(spec);
    EXPECT_TRUE(made.ok());
    initialize(**made, 3);
    (*made)->to(torch::kDouble);
    (*made)->train();
    return *made;
  }

  void SetUp() override {
    torch::manual_seed(5);
    for (const int64_t size : kSizes) {
      const auto shift = static_cast<double>(images_.size());  // every client sees other images
      images_.push_back(torch::randn({size, 1, 16, 16}, torch::kDouble) * (1 + shift) + 2 * shift);
      labels_.push_back(torch::randint(4, {size}, torch::kLong));
    }
  }

  static void step(Model& model, const torch::Tensor& images, const torch::Tensor& labels) {
    model.zero_grad();
    torch::cross_entropy_loss(model.forward(images), labels).backward();
    torch::NoGradGuard no_grad;
    for (auto& weight : model.parameters()) weight.sub_(weight.grad(), 0.1);
  }

  // One step of each client, and the average by batch size: FedSGD.
  ModelPtr federated(bool synchronised, bool backwards = false) {
    MomentExchange exchange(std::size(kSizes));
    std::vector<ModelPtr> models;
    for (size_t k = 0; k < std::size(kSizes); ++k) models.push_back(model());
    std::vector<std::thread> threads;
    for (size_t k = 0; k < std::size(kSizes); ++k) {
      const size_t client = backwards ? std::size(kSizes) - 1 - k : k;
      threads.emplace_back([&, client] {
        std::optional<MomentExchange::Scope> scope;
        const auto slots = models[client]->norm_slots().size();
        if (synchronised) scope.emplace(exchange, std::to_string(client), slots);
        step(*models[client], images_[client], labels_[client]);
      });
    }
    for (auto& thread : threads) thread.join();
    return averaged(models);
  }

  static ModelPtr averaged(const std::vector<ModelPtr>& models) {
    torch::NoGradGuard no_grad;
    auto average = model();
    const ModelState state(*average);
    for (size_t i = 0; i < state.tensors().size(); ++i) {
      if (!state.tensors()[i].is_floating_point()) continue;
      auto sum = torch::zeros_like(state.tensors()[i]);
      for (size_t k = 0; k < models.size(); ++k)
        sum += ModelState(*models[k]).tensors()[i] * (static_cast<double>(kSizes[k]) / 24);
      state.tensors()[i].copy_(sum);
    }
    return average;
  }

  // The largest difference over all tensors of floats.
  static double difference(const Model& a, const Model& b) {
    const ModelState one(a), other(b);
    double most = 0;
    for (size_t i = 0; i < one.tensors().size(); ++i) {
      if (one.tensors()[i].is_floating_point())
        most = std::max(most, distance(one.tensors()[i], other.tensors()[i]));
    }
    return most;
  }

  ModelPtr centralised() {
    auto one = model();
    step(*one, torch::cat(images_), torch::cat(labels_));
    return one;
  }

  std::vector<torch::Tensor> images_, labels_;
};

// Weights, gamma, beta and the running statistics.
TEST_F(MomentExchangeTest, OneSynchronisedStepIsAStepOnTheUnionOfTheBatches) {
  const auto central = centralised();
  EXPECT_LE(difference(*federated(true), *central), 1e-12);
  EXPECT_GE(difference(*federated(false), *central), 1e-2);
}

TEST_F(MomentExchangeTest, TheOrderOfArrivalDoesNotMatter) {
  const auto one = federated(true);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(difference(*one, *federated(true, true)), 0);
}

TEST_F(MomentExchangeTest, OnlyTheFirstStepIsSynchronised) {
  MomentExchange exchange(1);
  auto alone = model(), other = model();
  {
    const MomentExchange::Scope scope(exchange, "a", alone->norm_slots().size());
    EXPECT_TRUE(MomentExchange::wanted());
    for (int i = 0; i < 2; ++i) step(*alone, images_[0], labels_[0]);
    EXPECT_FALSE(MomentExchange::wanted());
  }
  // A group of one is BatchNorm, in the first step as in the second.
  for (int i = 0; i < 2; ++i) step(*other, images_[0], labels_[0]);
  EXPECT_LE(difference(*alone, *other), 1e-12);
}

TEST_F(MomentExchangeTest, WhoeverFailsLetsTheOthersGo) {
  MomentExchange exchange(2);
  auto alone = model();
  std::thread failing([&] { const MomentExchange::Scope scope(exchange, "a", 3); });
  failing.join();
  const MomentExchange::Scope scope(exchange, "b", 3);
  EXPECT_THROW(step(*alone, images_[0], labels_[0]), c10::Error);
}

}  // namespace
}  // namespace atl::models
