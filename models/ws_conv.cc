// A convolution with scaled weight standardization (Brock et al. 2021, arXiv 2101.08692, equation
// 1; FedWon, arXiv 2306.05879): for the weights W_o of one output channel
//   What_o = g_o (W_o - mean_o) / sqrt(max(var_o fan_in, 1e-4)),   fan_in = in kernel kernel,
// with the biased variance and a learned gain g per output channel. No statistics of examples, so
// it is the same in training and evaluation and takes batches of one.
#include "models/layer.h"

namespace atl::models {
namespace {

class WsConv : public Layer {
 public:
  WsConv(const ConvShape& shape, bool bias)
      : stride_(shape.stride),
        padding_(shape.padding),
        fan_in_(static_cast<double>(shape.in * shape.kernel * shape.kernel)) {
    weight_ = add_parameter("weight", {shape.out, shape.in, shape.kernel, shape.kernel},
                            Role::kConvWeight);
    if (bias) bias_ = add_parameter("bias", {shape.out}, Role::kBias);
    gain_ = add_parameter("gain", {shape.out}, Role::kWsGain);
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::conv2d(x, standardized(), bias_, stride_, padding_);
  }

 private:
  torch::Tensor standardized() const {
    const auto centred = weight_ - weight_.mean({1, 2, 3}, /*keepdim=*/true);
    const auto var = centred.square().mean({1, 2, 3}, /*keepdim=*/true);
    return centred * (gain_.view({-1, 1, 1, 1}) * torch::rsqrt((var * fan_in_).clamp_min(1e-4)));
  }

  int64_t stride_, padding_;
  double fan_in_;
  torch::Tensor weight_, bias_, gain_;
};

}  // namespace

LayerPtr make_ws_conv(const ConvShape& shape, bool bias) {
  return std::make_shared<WsConv>(shape, bias);
}

}  // namespace atl::models
