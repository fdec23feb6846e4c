#include "models/norm/norm.h"

namespace atl::models {
namespace {

class BatchNorm : public Layer {
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
    const bool batch_statistics = is_training() && x.numel() > x.size(1);
    if (batch_statistics) count_.add_(1);
    return torch::batch_norm(x, weight_, bias_, mean_, var_, batch_statistics, momentum_, epsilon_,
                             /*cudnn_enabled=*/true);
  }

 private:
  double epsilon_, momentum_;
  torch::Tensor weight_, bias_, mean_, var_, count_;
};

}  // namespace

Result<LayerPtr> make_batch_norm(const NormSpec& spec, const NormSite& site) {
  return LayerPtr(std::make_shared<BatchNorm>(spec, site));
}

}  // namespace atl::models
