#include <numeric>

#include "models/norm/norm.h"

namespace atl::models {
namespace {

class GroupNorm : public NormLayer {
 public:
  GroupNorm(const NormSpec& spec, const NormSite& site, int64_t groups, std::string note = {})
      : epsilon_(spec.epsilon), groups_(groups) {
    add_affine({site.channels}, spec.affine);
    set_note(std::move(note));
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::group_norm(x, groups_, gamma_, beta_, epsilon_);
  }

 private:
  double epsilon_;
  int64_t groups_;
};

}  // namespace

Result<NormPtr> make_group_norm(const NormSpec& spec, const NormSite& site) {
  const int64_t groups = std::gcd(site.channels, spec.groups);
  std::string note;
  if (groups != spec.groups) {
    note = std::to_string(site.channels) + " channels do not divide into " +
           std::to_string(spec.groups) + " groups: it has " + std::to_string(groups);
  }
  return NormPtr(std::make_shared<GroupNorm>(spec, site, groups, std::move(note)));
}

Result<NormPtr> make_instance_norm(const NormSpec& spec, const NormSite& site) {
  const bool one_value = site.spatial == 0 || (site.height == 1 && site.width == 1);
  if (!one_value) return NormPtr(std::make_shared<GroupNorm>(spec, site, site.channels));
  return NormPtr(std::make_shared<GroupNorm>(
      spec, site, 1, "an example has one value a channel here, without a variance: it is ln"));
}

}  // namespace atl::models
