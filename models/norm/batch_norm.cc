#include "models/norm/moment_exchange.h"
#include "models/norm/running_norm.h"

namespace atl::models {
namespace {

class BatchNorm : public RunningNorm {
 public:
  using RunningNorm::RunningNorm;

  torch::Tensor forward(const torch::Tensor& x) override {
    if (!has_variance(x) || !of_batch()) return by_running(x);
    if (usual() && MomentExchange::wanted()) return by_all(x);
    return keeps_running() ? by_batch(x, {}, {}, 0) : by_batch(x, mean_, var_, next_momentum());
  }

 protected:
  virtual bool of_batch() const { return wants_batch(); }

 private:
  torch::Tensor by_batch(const torch::Tensor& x, const torch::Tensor& mean,
                         const torch::Tensor& var, double momentum) const {
    return torch::batch_norm(x, gamma_, beta_, mean, var, true, momentum, epsilon_,
                             /*cudnn_enabled=*/true);
  }
  // By the moments of every participant of a synchronised step.
  torch::Tensor by_all(const torch::Tensor& x) {
    const auto [mean, var, values] = MomentExchange::pool(x);
    follow(mean.detach(), var.detach(), values);
    const auto y = (x - per_channel(mean, x)) * per_channel(torch::rsqrt(var + epsilon_), x);
    return affine(y, gamma_, beta_);
  }
};

// Phase 2 begins behind the round T* = fix_after.
class FixedBatchNorm : public BatchNorm {
 public:
  FixedBatchNorm(const NormSpec& spec, const NormSite& site)
      : BatchNorm(spec, site), fix_after_(spec.fix_after) {}

  void begin_round(uint32_t round, uint32_t total_rounds) override {
    fixed_ = round > (fix_after_ != 0 ? fix_after_ : total_rounds / 2);
  }

 protected:
  bool of_batch() const override { return wants_batch() && !(fixed_ && usual()); }

 private:
  uint32_t fix_after_;
  bool fixed_ = false;
};

class BatchNormWithoutStatistics : public NormLayer {
 public:
  BatchNormWithoutStatistics(const NormSpec& spec, const NormSite& site) : epsilon_(spec.epsilon) {
    add_affine({site.channels}, spec.affine);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    TORCH_CHECK(x.numel() > x.size(1),
                "bn_nostat needs more than one value a channel: a batch of one example has no "
                "variance here; take a batch size that leaves no batch of one, or another norm");
    return torch::batch_norm(x, gamma_, beta_, {}, {}, true, 0, epsilon_, /*cudnn_enabled=*/true);
  }

 private:
  double epsilon_;
};

}  // namespace

Result<NormPtr> make_batch_norm(const NormSpec& spec, const NormSite& site) {
  if (spec.kind == "bn_fixed") return NormPtr(std::make_shared<FixedBatchNorm>(spec, site));
  return NormPtr(std::make_shared<BatchNorm>(spec, site));
}

Result<NormPtr> make_batch_norm_without_statistics(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<BatchNormWithoutStatistics>(spec, site));
}

}  // namespace atl::models
