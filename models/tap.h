// Tap: hears the tensors around every norm slot of a model's forward passes. For measurements; a
// model without one pays a test of a pointer per slot.
#pragma once

#include <torch/types.h>

#include <string>

namespace atl::models {

// Called on the thread that runs the model, with the graph of its forward pass: a tap that keeps a
// tensor detaches it. It may not change them.
class Tap {
 public:
  virtual ~Tap() = default;
  // The slot's input, [B, C, ...], as the layer in front has made it. Heard of empty slots too.
  virtual void before(const std::string& site, const torch::Tensor& h) = 0;
  // What the next layer gets of it: behind the norm, the activation, and the pooling or the sum
  // with a shortcut where there is one.
  virtual void behind(const std::string& site, const torch::Tensor& z) = 0;
};

}  // namespace atl::models
