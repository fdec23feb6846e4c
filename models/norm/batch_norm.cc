#include "models/norm/norm.h"

namespace atl::models {
namespace {

class BatchNorm : public NormLayer {
 public:
  BatchNorm(const NormSpec& spec, const NormSite& site)
      : epsilon_(spec.epsilon), momentum_(spec.momentum) {
    weight_ = add_parameter("weight", {site.channels}, Role::kNormGamma);
    bias_ = add_parameter("bias", {site.channels}, Role::kNormBeta);
    mean_ = add_buffer("running_mean", torch::zeros({site.channels}), Role::kNormMean);
    var_ = add_buffer("running_var", torch::ones({site.channels}), Role::kNormVar);
    count_ = add_buffer("num_batches_tracked", torch::zeros({}, torch::kLong), Role::kNormCount);
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    const bool of_batch = x.numel() > x.size(1) && wants_batch();
    if (of_batch && statistics_ == Statistics::kBatch) return normalize(x, {}, {}, true, 0);
    if (!of_batch) return normalize(x, mean_, var_, false, 0);
    count_.add_(1);
    const bool cumulative = statistics_ == Statistics::kCumulative;
    return normalize(x, mean_, var_, true, cumulative ? 1.0 / ++batches_ : momentum_);
  }

  void use(Statistics statistics) override {
    statistics_ = statistics;
    if (statistics != Statistics::kCumulative) return;
    batches_ = 0;
    mean_.zero_();
    var_.fill_(1);
    count_.zero_();
  }
  bool has_running_statistics() const override { return true; }

 private:
  bool wants_batch() const {
    if (statistics_ == Statistics::kUsual) return is_training();
    return statistics_ != Statistics::kRunning;
  }
  torch::Tensor normalize(const torch::Tensor& x, const torch::Tensor& mean,
                          const torch::Tensor& var, bool of_batch, double momentum) const {
    return torch::batch_norm(x, weight_, bias_, mean, var, of_batch, momentum, epsilon_,
                             /*cudnn_enabled=*/true);
  }

  double epsilon_, momentum_;
  torch::Tensor weight_, bias_, mean_, var_, count_;
  Statistics statistics_ = Statistics::kUsual;
  int64_t batches_ = 0;  // since kCumulative
};

}  // namespace

Result<NormPtr> make_batch_norm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<BatchNorm>(spec, site));
}

}  // namespace atl::models
