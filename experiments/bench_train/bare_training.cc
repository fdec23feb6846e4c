#include "experiments/bench_train/bare_training.h"

#include <ATen/Parallel.h>
#include <torch/optim/sgd.h>

#include <chrono>

#include "common/core/rng.h"
#include "models/registry.h"
#include "models/state.h"

namespace atl::bench {
namespace {

torch::Tensor inputs_of(const data::Dataset& set) {
  std::vector<int64_t> shape{static_cast<int64_t>(set.size())};
  shape.insert(shape.end(), set.shape.begin(), set.shape.end());
  if (!set.values.empty()) {
    return torch::from_blob(const_cast<float*>(set.values.data()), shape).clone();
  }
  auto x = torch::from_blob(const_cast<uint8_t*>(set.bytes.data()), shape, torch::kUInt8)
               .to(torch::kFloat)
               .div_(255);
  for (size_t c = 0; c < set.mean.size(); ++c) {
    x.select(1, static_cast<int64_t>(c)).sub_(set.mean[c]).div_(set.std[c]);
  }
  return x;
}

std::vector<float> flat_of(const models::Model& model) {
  const models::ModelState state(model);
  std::vector<float> flat(state.manifest().total_bytes() / sizeof(float));
  state.store(std::as_writable_bytes(std::span(flat)));
  return flat;
}

BareTraining loop(const server::RunConfig& run, models::Model& model, const data::Dataset& set,
                  const data::Indices& share) {
  at::set_num_threads(1);
  const auto x = inputs_of(set);
  std::vector<int64_t> labels(set.labels.begin(), set.labels.end());
  const auto y = torch::tensor(labels, torch::kInt64);
  const auto& s = run.train;
  model.train();
  BareTraining result;
  const auto begun = std::chrono::steady_clock::now();
  for (uint32_t round = 1; round <= run.rounds; ++round) {
    torch::optim::SGD optimizer(model.parameters(), torch::optim::SGDOptions(s.learning_rate)
                                                        .momentum(s.momentum)
                                                        .weight_decay(s.weight_decay)
                                                        .nesterov(s.nesterov));
    Rng rng(run.seed, "shuffle", "client-1", round);
    std::vector<int64_t> order(share.begin(), share.end());
    for (uint32_t epoch = 0; epoch < s.epochs; ++epoch) {
      rng.shuffle(std::span(order));
      const auto at = torch::tensor(order, torch::kInt64);
      for (const auto& batch : at.split(s.batch_size)) {
        optimizer.zero_grad();
        auto loss = torch::cross_entropy_loss(model.forward(x.index_select(0, batch)),
                                              y.index_select(0, batch));
        loss.backward();
        optimizer.step();
      }
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  result.model = flat_of(model);
  return result;
}

}  // namespace

Result<BareTraining> train_bare(const server::RunConfig& run, const data::Dataset& set,
                                const data::Indices& share) {
  auto spec = run.model;
  spec.input = set.shape;
  spec.classes = set.classes;
  ATOLL_ASSIGN(const auto model, models::make_model(spec));
  models::initialize(*model, run.seed);
  try {
    return loop(run, *model, set, share);
  } catch (const std::exception& error) {
    return Error(ErrorCode::kTrainer, error.what());
  }
}

Result<double> bare_training_seconds(const server::RunConfig& run, const data::Dataset& set,
                                     const data::Indices& share) {
  ATOLL_ASSIGN(const auto trained, train_bare(run, set, share));
  return trained.seconds;
}

}  // namespace atl::bench
