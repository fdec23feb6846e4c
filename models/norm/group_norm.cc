#include "models/norm/norm.h"

namespace atl::models {
namespace {

class GroupNorm : public NormLayer {
 public:
  GroupNorm(const NormSpec& spec, const NormSite& site)
      : epsilon_(spec.epsilon), groups_(spec.groups) {
    weight_ = add_parameter("weight", {site.channels}, Role::kNormGamma);
    bias_ = add_parameter("bias", {site.channels}, Role::kNormBeta);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::group_norm(x, groups_, weight_, bias_, epsilon_);
  }

 private:
  double epsilon_;
  int64_t groups_;
  torch::Tensor weight_, bias_;
};

}  // namespace

Result<NormPtr> make_group_norm(const NormSpec& spec, const NormSite& site) {
  if (site.channels % spec.groups != 0) {
    return Error(ErrorCode::kConfig, "norm \"gn:" + std::to_string(spec.groups) +
                                         "\": " + std::to_string(site.channels) +
                                         " channels do not divide into " +
                                         std::to_string(spec.groups) + " groups");
  }
  return NormPtr(std::make_shared<GroupNorm>(spec, site));
}

}  // namespace atl::models
