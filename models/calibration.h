// Other statistics than the stored ones in a model's norm slots: for evaluations that tell stale
// statistics from bad weights. Slots without running statistics (all but bn's relatives) are as
// they always are.
#pragma once

#include <torch/types.h>

#include <functional>

#include "models/model.h"

namespace atl::models {

// While it lives, the slots take their statistics from there; afterwards as usual. With kBatch, in
// evaluation, the model's output for an example depends on the rest of the batch.
class StatisticsGuard {
 public:
  StatisticsGuard(Model& model, Statistics statistics);
  ~StatisticsGuard();
  StatisticsGuard(const StatisticsGuard&) = delete;
  StatisticsGuard& operator=(const StatisticsGuard&) = delete;

 private:
  Model& model_;
};

// Recomputes the running statistics: forgets them, and takes the plain mean of the moments of
// `batches` forward passes, each batch counting alike (momentum = None of torch.nn.BatchNorm2d,
// torch.optim.swa_utils.update_bn). `next` gives batch after batch, on the model's device. The
// weights stay; dropout is off; the model is in evaluation mode afterwards. The counters say
// `batches`.
void recalibrate(Model& model, int64_t batches, const std::function<torch::Tensor()>& next);

}  // namespace atl::models
