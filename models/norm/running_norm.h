// RunningNorm: the tensors and the switch of every norm that keeps running statistics.
#pragma once

#include <utility>

#include "models/norm/norm.h"

namespace atl::models {

class RunningNorm : public NormLayer {
 public:
  RunningNorm(const NormSpec& spec, const NormSite& site);

  void use(Statistics statistics) override;
  bool has_running_statistics() const override { return true; }

 protected:
  // One value per channel has no variance.
  static bool has_variance(const torch::Tensor& x) { return x.numel() > x.size(1); }
  bool wants_batch() const { return usual() ? is_training() : statistics_ != Statistics::kRunning; }
  bool usual() const { return statistics_ == Statistics::kUsual; }
  bool cumulates() const { return statistics_ == Statistics::kCumulative; }
  // The running ones are not to be touched.
  bool keeps_running() const { return statistics_ == Statistics::kBatch; }

  // Per channel over all else, with their gradient; the variance is biased.
  static std::pair<torch::Tensor, torch::Tensor> moments_of(const torch::Tensor& x);
  torch::Tensor by_running(const torch::Tensor& x) const;
  // Counts a batch; the weight of its statistics in the running ones.
  double next_momentum();
  // Moves the running statistics towards those of a batch with `count` values a channel, unless
  // they are to be left alone.
  void follow(const torch::Tensor& mean, const torch::Tensor& var, int64_t count);

  double epsilon_, momentum_;
  torch::Tensor mean_, var_, count_;

 private:
  Statistics statistics_ = Statistics::kUsual;
  int64_t batches_ = 0;  // since kCumulative
};

}  // namespace atl::models
