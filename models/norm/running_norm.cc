#include "models/norm/running_norm.h"

namespace atl::models {

RunningNorm::RunningNorm(const NormSpec& spec, const NormSite& site)
    : epsilon_(spec.epsilon), momentum_(spec.momentum) {
  add_affine({site.channels}, spec.affine);
  mean_ = add_buffer("running_mean", torch::zeros({site.channels}), Role::kNormMean);
  var_ = add_buffer("running_var", torch::ones({site.channels}), Role::kNormVar);
  count_ = add_buffer("num_batches_tracked", torch::zeros({}, torch::kLong), Role::kNormCount);
}

void RunningNorm::use(Statistics statistics) {
  statistics_ = statistics;
  if (!cumulates()) return;
  torch::NoGradGuard no_grad;
  batches_ = 0;
  mean_.zero_();
  var_.fill_(1);
  count_.zero_();
}

std::pair<torch::Tensor, torch::Tensor> RunningNorm::moments_of(const torch::Tensor& x) {
  return {x.mean(all_but_channels(x)), x.var(all_but_channels(x), /*unbiased=*/false)};
}

torch::Tensor RunningNorm::by_running(const torch::Tensor& x) const {
  return torch::batch_norm(x, gamma_, beta_, mean_, var_, false, 0, epsilon_,
                           /*cudnn_enabled=*/true);
}

double RunningNorm::next_momentum() {
  count_.add_(1);
  return cumulates() ? 1.0 / static_cast<double>(++batches_) : momentum_;
}

void RunningNorm::follow(const torch::Tensor& mean, const torch::Tensor& var, int64_t count) {
  if (keeps_running()) return;
  torch::NoGradGuard no_grad;
  const double weight = next_momentum();
  const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
  mean_.mul_(1 - weight).add_(mean, weight);
  var_.mul_(1 - weight).add_(var, weight * unbiased);
}

}  // namespace atl::models
