// Batch renormalization (Ioffe 2017, arXiv 1702.03275, algorithm 1):
//   y = (x - mu_B) / sigma_B * r + d,   r = clip(sigma_B / sigma),   d = clip((mu_B - mu) / sigma)
// with the running mu, sigma and no gradient through r and d, so that training sees nearly what
// evaluation will. The bounds are those that the paper ends with; its schedule towards them is for
// trainings that begin with empty statistics, and a round begins with the federation's.
#include "models/norm/running_norm.h"

namespace atl::models {
namespace {

constexpr double kMaxR = 3, kMaxD = 5;

class BatchRenorm : public RunningNorm {
 public:
  using RunningNorm::RunningNorm;

  torch::Tensor forward(const torch::Tensor& x) override {
    if (!has_variance(x) || !wants_batch()) return by_running(x);
    const auto [mean, var] = moments_of(x);
    const auto y = (x - per_channel(mean, x)) * per_channel(torch::rsqrt(var + epsilon_), x);
    const auto [r, d] = corrections(mean, var);
    follow(mean, var, x.numel() / x.size(1));
    return affine(r.defined() ? y * per_channel(r, x) + per_channel(d, x) : y, gamma_, beta_);
  }

 private:
  // Undefined where somebody wants the batch's statistics as they are.
  std::pair<torch::Tensor, torch::Tensor> corrections(const torch::Tensor& mean,
                                                      const torch::Tensor& var) const {
    if (!usual()) return {};
    torch::NoGradGuard no_grad;
    const auto sigma = torch::sqrt(var_ + epsilon_);
    return {(torch::sqrt(var + epsilon_) / sigma).clamp(1 / kMaxR, kMaxR),
            ((mean - mean_) / sigma).clamp(-kMaxD, kMaxD)};
  }
};

}  // namespace

Result<NormPtr> make_batch_renorm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<BatchRenorm>(spec, site));
}

}  // namespace atl::models
