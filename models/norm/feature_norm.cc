#include "models/norm/feature_norm.h"

namespace atl::models {
namespace {

class Head : public Layer {
 public:
  Head(int64_t in, int64_t out, const NormSpec& spec)
      : kind_(spec.feature_norm), epsilon_(spec.epsilon) {
    weight_ = add_parameter("weight", {out, in}, Role::kHeadWeight);
    bias_ = add_parameter("bias", {out}, Role::kHeadBias);
  }
  torch::Tensor forward(const torch::Tensor& f) override {
    return torch::linear(normalize_features(kind_, f, epsilon_), weight_, bias_);
  }

 private:
  FeatureNorm kind_;
  double epsilon_;
  torch::Tensor weight_, bias_;
};

}  // namespace

torch::Tensor normalize_features(FeatureNorm kind, const torch::Tensor& f, double epsilon) {
  switch (kind) {
    case FeatureNorm::kLength:
      return f * torch::rsqrt(f.square().mean(1, /*keepdim=*/true) + epsilon);
    case FeatureNorm::kMoments:
      return torch::layer_norm(f, {f.size(1)}, {}, {}, epsilon);
    case FeatureNorm::kNone:
      break;
  }
  return f;
}

LayerPtr make_head(int64_t in, int64_t out, const NormSpec& spec) {
  return std::make_shared<Head>(in, out, spec);
}

}  // namespace atl::models
