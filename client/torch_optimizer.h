// The optimizer's step: PyTorch's SGD and AdamW, fused with the clipping of the gradient.
#pragma once

#include <torch/types.h>

#include <vector>

#include "common/wire/task.h"

namespace atl::client {

// SGD (momentum, Nesterov, L2 weight decay; dampening 0), as torch.optim.SGD:
//   g += wd p;  b = m b + g (b = g in the first step);  g = nesterov ? g + m b : b;  p -= lr g
// AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW:
//   p *= 1 - lr wd;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
// Clipping, as torch.nn.utils.clip_grad_norm_: g *= min(1, clip / (||g|| + 1e-6)) over all
// parameters together. Adaptive clipping (Brock et al. 2021, arXiv 2102.06171, equation 3) comes
// before it: for each row W_i (output) of a weight with two dimensions or more, and its gradient,
//   G_i *= min(1, share max(||W_i||, 1e-3) / ||G_i||)
// Both come before anything else.
//
// Not thread-safe; used under the lease of its workspace.
class LocalOptimizer {
 public:
  // kLoops: one pass over contiguous floats on the CPU. kOperators: LibTorch's, for other devices.
  enum class Path { kLoops, kOperators };
  LocalOptimizer(std::vector<torch::Tensor> parameters, Path path);

  // Forgets all state and takes the settings of a round.
  void begin(const wire::TrainSettings& settings, double learning_rate);
  // Drops the gradients (they are allocated anew by the next backward pass).
  void zero_grad();
  // Changes the parameters by their gradients; a parameter without one stays as it is.
  void step();

 private:
  void clip_rows();
  double gradient_scale() const;
  void step_sgd_loops(double scale);
  void step_adamw_loops(double scale);
  void step_sgd_operators(double scale);
  void step_adamw_operators(double scale);
  // Parameters with gradients, and the state that belongs to them.
  struct Active {
    std::vector<torch::Tensor> parameters, gradients, first, second;
  };
  Active active(double scale) const;

  std::vector<torch::Tensor> parameters_;
  Path path_;
  wire::TrainSettings settings_;
  double rate_ = 0;
  uint64_t steps_ = 0;
  // SGD: momentum buffers. AdamW: first and second moments. Empty when not needed.
  std::vector<torch::Tensor> first_, second_;
};

}  // namespace atl::client
