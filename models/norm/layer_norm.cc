#include "models/norm/norm.h"

namespace atl::models {
namespace {

// Statistics over all but the batch, affine per channel.
class LayerNorm : public NormLayer {
 public:
  LayerNorm(const NormSpec& spec, const NormSite& site) : epsilon_(spec.epsilon), site_(site) {
    add_affine({site.channels}, spec.affine);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    if (site_.spatial == 0) return torch::layer_norm(x, {site_.channels}, gamma_, beta_, epsilon_);
    // One group has the statistics of the whole example, and its affine part is per channel.
    return torch::group_norm(x, 1, gamma_, beta_, epsilon_);
  }

 private:
  double epsilon_;
  NormSite site_;
};

// The same with an affine part per element.
class ElementNorm : public NormLayer {
 public:
  ElementNorm(const NormSpec& spec, std::vector<int64_t> shape)
      : epsilon_(spec.epsilon), shape_(std::move(shape)) {
    add_affine(shape_, spec.affine);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::layer_norm(x, shape_, gamma_, beta_, epsilon_);
  }

 private:
  double epsilon_;
  std::vector<int64_t> shape_;
};

}  // namespace

Result<NormPtr> make_layer_norm(const NormSpec& spec, const NormSite& site) {
  if (spec.kind != "ln_e" || site.spatial == 0)
    return NormPtr(std::make_shared<LayerNorm>(spec, site));
  if (site.height < 1 || site.width < 1) {
    return Error(ErrorCode::kConfig,
                 "norm \"ln_e\" has a value per pixel, and the size of the maps"
                 " is not known here")
        .hint("take ln, whose statistics are the same");
  }
  std::vector<int64_t> shape{site.channels, site.height, site.width};
  return NormPtr(std::make_shared<ElementNorm>(spec, std::move(shape)));
}

}  // namespace atl::models
