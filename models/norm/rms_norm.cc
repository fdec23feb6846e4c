#include "models/norm/norm.h"

namespace atl::models {
namespace {

class RmsNorm : public NormLayer {
 public:
  RmsNorm(const NormSpec& spec, const NormSite& site) : epsilon_(spec.epsilon) {
    add_affine({site.channels}, spec.affine);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    std::vector<int64_t> dims;
    for (int64_t d = 1; d < x.dim(); ++d) dims.push_back(d);
    const auto scale = torch::rsqrt(x.square().mean(dims, /*keepdim=*/true) + epsilon_);
    return affine(x * scale, gamma_, beta_);
  }

 private:
  double epsilon_;
};

}  // namespace

Result<NormPtr> make_rms_norm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<RmsNorm>(spec, site));
}

}  // namespace atl::models
