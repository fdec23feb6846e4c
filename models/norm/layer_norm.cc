#include "models/norm/norm.h"

namespace atl::models {
namespace {

class LayerNorm : public NormLayer {
 public:
  LayerNorm(const NormSpec& spec, const NormSite& site) : epsilon_(spec.epsilon), site_(site) {
    weight_ = add_parameter("weight", {site.channels}, Role::kNormGamma);
    bias_ = add_parameter("bias", {site.channels}, Role::kNormBeta);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    if (site_.spatial == 0) return torch::layer_norm(x, {site_.channels}, weight_, bias_, epsilon_);
    // One group has the statistics of the whole example, and its affine part is per channel.
    return torch::group_norm(x, 1, weight_, bias_, epsilon_);
  }

 private:
  double epsilon_;
  NormSite site_;
  torch::Tensor weight_, bias_;
};

}  // namespace

Result<NormPtr> make_layer_norm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<LayerNorm>(spec, site));
}

}  // namespace atl::models
