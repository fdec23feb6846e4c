// A model: a LibTorch module whose every tensor has a role, built from a ModelSpec by name
// (registry.h). State-dict names are PyTorch's usual ones ("conv1.weight"), so that the exported
// file loads there.
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>

#include "common/core/result.h"
#include "common/tensor/manifest.h"

namespace atl::models {

// Not thread-safe: one model is used by one thread at a time.
class Model : public torch::nn::Module {
 public:
  // images: [B, C, H, W] (or rows [B, F]) float32 on the model's device -> logits [B, classes].
  virtual torch::Tensor forward(torch::Tensor x) = 0;

  // Roles of parameters and buffers by state-dict name. Assigned when a layer is registered; a
  // tensor without a role is a bug and aborts in manifest_of().
  const std::map<std::string, Role>& roles() const { return roles_; }

 protected:
  std::map<std::string, Role> roles_;
};
using ModelPtr = std::shared_ptr<Model>;

}  // namespace atl::models
