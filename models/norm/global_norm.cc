// Norms with statistics of the whole federation, which stay as they are while a client trains: the
// round's moments are gathered beside them and taken in at its end. The server pools them by their
// moments (policy "pooled" or "hbn").
//   hbn  Hybrid BN (Chen et al., ICML 2025, arXiv 2505.21877): mean = (1 - s) m_global + s m_batch
//        with s = sigmoid(a), a learned per channel from 0, and the variance alike. A client's
//        moments at the end of a round are those of its batches in this round. (The paper takes
//        them in a second pass, of the averaged model: here they are those of the models on the
//        way.)
//   fbn  Federated BN (arXiv 2405.14670): normalises with the global statistics alone; the round's
//        moments enter them with the momentum.
#include "models/norm/running_norm.h"

namespace atl::models {
namespace {

class GlobalNorm : public RunningNorm {
 public:
  GlobalNorm(const NormSpec& spec, const NormSite& site, double momentum)
      : RunningNorm(spec, site), round_momentum_(momentum) {}

  torch::Tensor forward(const torch::Tensor& x) override {
    if (!has_variance(x) || !wants_batch()) return by_running(x);
    auto [mean, var] = moments_of(x);
    if (usual()) {
      gather(mean.detach(), var.detach(), x.numel() / x.size(1));
      std::tie(mean, var) = mixed(mean, var);
    } else {
      follow(mean, var, x.numel() / x.size(1));
    }
    const auto y = (x - per_channel(mean, x)) * per_channel(torch::rsqrt(var + epsilon_), x);
    return affine(y, gamma_, beta_);
  }

  void begin_round(uint32_t, uint32_t) override {
    values_ = 0;
    sum_ = square_sum_ = torch::Tensor();
  }

  // Takes the round's moments in, as first and second moments: var alone would lose the spread of
  // the means.
  void end_round() override {
    if (values_ < 2) return;
    torch::NoGradGuard no_grad;
    const auto count = static_cast<double>(values_);
    const auto mean = sum_ / count;
    const auto var = (square_sum_ / count - mean.square()) * (count / (count - 1));
    const auto before = mean_.to(torch::kDouble), before_var = var_.to(torch::kDouble);
    const double w = round_momentum_;
    const auto merged = before * (1 - w) + mean * w;
    const auto second = (before_var + before.square()) * (1 - w) + (var + mean.square()) * w;
    mean_.copy_(merged);
    var_.copy_((second - merged.square()).clamp_min(0));
    begin_round(0, 0);
  }

 protected:
  // What the batch is normalised with in training.
  virtual std::pair<torch::Tensor, torch::Tensor> mixed(const torch::Tensor& mean,
                                                        const torch::Tensor& var) const = 0;

 private:
  void gather(const torch::Tensor& mean, const torch::Tensor& var, int64_t count) {
    torch::NoGradGuard no_grad;
    count_.add_(1);
    values_ += count;
    const auto m = mean.to(torch::kDouble), v = var.to(torch::kDouble);
    const auto n = static_cast<double>(count);
    sum_ = sum_.defined() ? sum_ + m * n : m * n;
    const auto squares = (v + m.square()) * n;
    square_sum_ = square_sum_.defined() ? square_sum_ + squares : squares;
  }

  double round_momentum_;
  int64_t values_ = 0;              // per channel, in this round
  torch::Tensor sum_, square_sum_;  // [C], double; undefined before the first batch
};

class HybridNorm : public GlobalNorm {
 public:
  HybridNorm(const NormSpec& spec, const NormSite& site) : GlobalNorm(spec, site, 1) {
    mix_ = add_parameter("mix", {site.channels}, Role::kMixLogit);
  }

 protected:
  std::pair<torch::Tensor, torch::Tensor> mixed(const torch::Tensor& mean,
                                                const torch::Tensor& var) const override {
    const auto s = torch::sigmoid(mix_);
    return {(1 - s) * mean_ + s * mean, (1 - s) * var_ + s * var};
  }

 private:
  torch::Tensor mix_;
};

class FederatedNorm : public GlobalNorm {
 public:
  FederatedNorm(const NormSpec& spec, const NormSite& site)
      : GlobalNorm(spec, site, spec.momentum) {}

 protected:
  std::pair<torch::Tensor, torch::Tensor> mixed(const torch::Tensor&,
                                                const torch::Tensor&) const override {
    return {mean_, var_};
  }
};

}  // namespace

Result<NormPtr> make_hybrid_norm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<HybridNorm>(spec, site));
}

Result<NormPtr> make_federated_norm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<FederatedNorm>(spec, site));
}

}  // namespace atl::models
