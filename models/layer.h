// Layer: what models are made of. A module with one virtual forward() whose every tensor has a
// role, given when the tensor is registered.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>

#include "common/tensor/role.h"

namespace atl::models {

// Not thread-safe: one layer is used by one thread at a time.
class Layer : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;

  // By the tensor's name within the layer ("weight", "running_mean").
  const std::map<std::string, Role>& roles() const { return roles_; }

 protected:
  // Own tensors start as zeros; models/state.h gives them their initial values.
  torch::Tensor add_parameter(const std::string& name, torch::IntArrayRef shape, Role role) {
    roles_[name] = role;
    return register_parameter(name, torch::zeros(shape));
  }
  torch::Tensor add_buffer(const std::string& name, torch::Tensor value, Role role) {
    roles_[name] = role;
    return register_buffer(name, std::move(value));
  }

 private:
  std::map<std::string, Role> roles_;
};
using LayerPtr = std::shared_ptr<Layer>;

// A square convolution. weight [out, in, kernel, kernel], bias [out].
struct ConvShape {
  int64_t in = 0, out = 0, kernel = 0, padding = 0, stride = 1;
};
LayerPtr make_conv(const ConvShape& shape, bool bias);
// With standardised weights (ws_conv.cc); has a gain [out] beside them.
LayerPtr make_ws_conv(const ConvShape& shape, bool bias);

// y = x weight^T + bias on [B, in]. weight [out, in].
LayerPtr make_linear(int64_t in, int64_t out, bool bias);

// Halves height and width of [B, C, H, W]: the largest of each 2x2; an odd last row or column is
// left out. The values of torch::max_pool2d(x, 2), bit for bit.
torch::Tensor max_pool(const torch::Tensor& x);

}  // namespace atl::models
