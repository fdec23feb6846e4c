#include "models/layer.h"

namespace atl::models {
namespace {

class Conv : public Layer {
 public:
  Conv(const ConvShape& shape, bool bias) : stride_(shape.stride), padding_(shape.padding) {
    weight_ = add_parameter("weight", {shape.out, shape.in, shape.kernel, shape.kernel},
                            Role::kConvWeight);
    if (bias) bias_ = add_parameter("bias", {shape.out}, Role::kBias);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::conv2d(x, weight_, bias_, stride_, padding_);
  }

 private:
  int64_t stride_, padding_;
  torch::Tensor weight_, bias_;
};

class Linear : public Layer {
 public:
  Linear(int64_t in, int64_t out, bool bias) {
    weight_ = add_parameter("weight", {out, in}, Role::kLinearWeight);
    if (bias) bias_ = add_parameter("bias", {out}, Role::kBias);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::linear(x, weight_, bias_);
  }

 private:
  torch::Tensor weight_, bias_;
};

}  // namespace

LayerPtr make_conv(const ConvShape& shape, bool bias) {
  return std::make_shared<Conv>(shape, bias);
}

LayerPtr make_linear(int64_t in, int64_t out, bool bias) {
  return std::make_shared<Linear>(in, out, bias);
}

torch::Tensor max_pool(const torch::Tensor& x) {
  // On the CPU LibTorch's pooling also looks for where the largest was, value by value, which only
  // a backward pass needs. Without it, two maxima of halves take a fraction of the time.
  if (torch::GradMode::is_enabled() || !x.is_cpu()) return torch::max_pool2d(x, 2);
  const int64_t height = x.size(2) / 2 * 2, width = x.size(3) / 2 * 2;
  const auto columns = torch::maximum(x.slice(3, 0, width, 2), x.slice(3, 1, width, 2));
  return torch::maximum(columns.slice(2, 0, height, 2), columns.slice(2, 1, height, 2));
}

}  // namespace atl::models
