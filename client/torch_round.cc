#include "client/torch_round.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "client/schedule.h"
#include "client/torch_guards.h"
#include "models/calibration.h"

namespace atl::client {
namespace {

// The order in which a round meets its examples.
class Order {
 public:
  Order(std::span<const uint32_t> indices, Rng rng)
      : order_(indices.begin(), indices.end()), rng_(std::move(rng)), at_(order_.size()) {}

  std::span<const uint32_t> next(size_t most) {
    if (at_ == order_.size()) {
      rng_.shuffle(std::span(order_));
      at_ = 0;
    }
    const size_t count = std::min(most, order_.size() - at_);
    at_ += count;
    return std::span(order_).subspan(at_ - count, count);
  }

 private:
  std::vector<uint32_t> order_;
  Rng rng_;
  size_t at_;
};

// Sums the losses and looks whether they are finite. Reading a loss waits for a GPU, so there it is
// done for many steps at once.
class Losses {
 public:
  Losses(bool wait_for_each, uint32_t round) : most_(wait_for_each ? 1 : 32), round_(round) {}

  Status add(torch::Tensor loss, int64_t examples) {
    pending_.push_back(std::move(loss));
    counts_.push_back(examples);
    return pending_.size() < most_ ? Status() : flush();
  }
  Status flush() {
    for (size_t i = 0; i < pending_.size(); ++i) {
      const double loss = pending_[i].item<double>();
      ++step_;
      if (!std::isfinite(loss)) {
        return Error(ErrorCode::kTrainer, "the loss is not finite in round " +
                                              std::to_string(round_) + ", step " +
                                              std::to_string(step_))
            .hint("lower train.learning_rate, or set train.clip_norm");
      }
      sum_ += loss * static_cast<double>(counts_[i]);
      examples_ += counts_[i];
    }
    pending_.clear();
    counts_.clear();
    return {};
  }
  double mean() const { return examples_ == 0 ? 0 : sum_ / static_cast<double>(examples_); }

 private:
  size_t most_;
  uint32_t round_;
  std::vector<torch::Tensor> pending_;
  std::vector<int64_t> counts_;
  uint64_t step_ = 0;
  double sum_ = 0;
  int64_t examples_ = 0;
};

torch::Tensor loss_of(Workspace& workspace, const Batch& batch, bool bf16) {
  torch::Tensor logits;
  {
    AutocastGuard autocast(workspace.device.type(), bf16);
    logits = workspace.model->forward(batch.inputs);
  }
  return torch::cross_entropy_loss(logits.to(torch::kFloat), batch.labels);
}

}  // namespace

uint64_t steps_of(const wire::TrainSettings& settings, size_t examples) {
  if (settings.steps > 0) return settings.steps;
  const uint64_t batch = std::max(1u, settings.batch_size);  // 0 is refused by train()
  const uint64_t batches = (examples + batch - 1) / batch;
  return settings.epochs * batches;
}

Status train(Workspace& workspace, const LocalRound& round, Progress& progress,
             TrainReport& report) {
  const auto& settings = round.task.settings;
  ATOLL_TRY(check_settings(settings));
  if (round.indices.empty())
    return Error(ErrorCode::kData, "the client " + round.client + " has no training examples");
  if (settings.bf16) ATOLL_TRY(check_bf16(workspace.device));

  const uint64_t steps = steps_of(settings, round.indices.size());
  Order order(round.indices, Rng(round.task.seed, "shuffle", round.client, round.task.round));
  Rng crop(round.task.seed, "augment", round.client, round.task.round);
  Losses losses(workspace.device.is_cpu(), round.task.round);
  auto& model = *workspace.model;
  model.train();
  model.begin_round(round.task.round, round.task.total_rounds);
  model.draw_from(Rng(round.task.seed, "dropout", round.client, round.task.round));
  const auto& fixed = settings.roles.fixed;
  const bool uses_running = std::find(fixed.begin(), fixed.end(), Role::kNormMean) != fixed.end();
  const models::StatisticsGuard statistics(
      model, uses_running ? models::Statistics::kRunning : models::Statistics::kUsual);
  workspace.optimizer.begin(settings,
                            learning_rate(settings, round.task.round, round.task.total_rounds));
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t step = 0; step < steps; ++step) {
    if (progress.cancel) return Error(ErrorCode::kInterrupted, "the training was stopped");
    const auto indices = order.next(settings.batch_size);
    const auto batch = workspace.batches.load(indices, round.augment ? &crop : nullptr);
    const auto loss = loss_of(workspace, batch, settings.bf16);
    ATOLL_TRY(losses.add(loss.detach(), static_cast<int64_t>(indices.size())));
    loss.backward();
    workspace.optimizer.step();
    workspace.optimizer.zero_grad();
    ++progress.steps_done;
  }
  ATOLL_TRY(losses.flush());
  model.end_round();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  report.seconds = elapsed.count();
  report.steps = steps;
  report.train_loss = losses.mean();
  return {};
}

}  // namespace atl::client
