// A model's tensors as flat bytes (common/tensor/manifest.h), and its initial weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/tensor/manifest.h"
#include "models/model.h"

namespace atl::models {

// The weight that a bias lies beside: "fc1.bias" -> "fc1.weight", "bias_ih_l0" -> "weight_ih_l0".
// Empty when the name is no bias's.
std::string weight_beside(const std::string& bias);

// Order, names, shapes and roles. Aborts on a tensor without a role.
Manifest manifest_of(const Model& model);

// A model's tensors in the manifest's order. Shares them with the model, copies nothing; stays
// valid when the model moves to another device. Used by the thread that has the model.
class ModelState {
 public:
  explicit ModelState(const Model& model);

  const Manifest& manifest() const { return manifest_; }
  // tensors()[i] belongs to manifest().tensors()[i].
  const std::vector<torch::Tensor>& tensors() const { return tensors_; }

  // Whole model: flat bytes -> tensors, and back. Sizes must agree.
  void load(ByteView flat) const;
  void store(MutableByteView flat) const;
  // L2 distance between the trainable tensors and `flat`, summed in double in flat order.
  double distance_to(ByteView flat) const;

 private:
  Manifest manifest_;
  std::vector<torch::Tensor> tensors_;
};

// Initial values from the seed and the tensors' names alone: every tensor has its own stream (seed,
// "init", name), so neither threads nor other layers have a say, and a layer keeps its values when
// the norm beside it changes. Distributions are PyTorch's defaults: weight and bias of a
// convolution or linear layer uniform within 1 / sqrt(fan-in); gamma, variance and gain 1; beta,
// mean, count and logit 0; embeddings normal(0, 1).
void initialize(Model& model, uint64_t seed);

}  // namespace atl::models
