// What the tensors of a TorchScript module are for.
//
// In this order: what the configuration says of a tensor; what the file says ("atoll.roles", which
// export_torchscript.py writes); else these rules, by the tensors that stand in one module:
//
//   running_mean, running_var          norm_mean, norm_var; num_batches_tracked norm_count; weight
//                                      and bias beside them norm_gamma, norm_beta
//   weight and bias of one shape       norm_gamma, norm_beta (layer and group normalization)
//   a weight of an Embedding           embedding
//   any other weight of 2 dimensions   linear_weight; of more: conv_weight
//   a bias beside such a weight        bias
//   any other buffer                   buffer
//
// A weight is a parameter whose own name contains "weight" (weight, in_proj_weight, weight_ih_l0);
// its bias has "bias" in its place. No rule tells a head (head_weight, head_bias) from another
// linear layer.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/tensor/role.h"

namespace atl::models {

struct ScriptTensor {
  std::string name;  // "conv1.weight"
  torch::Tensor value;
  bool parameter = false;
  std::string module_type;  // of its module: "Conv2d"
};

// One role a tensor, in the order of `tensors`. kModel when there is a tensor that no rule knows,
// that no policy could treat (its element type), or that has a role which does not fit it; the hint
// is the line to write. kConfig when `said` names a tensor that there is not.
Result<std::vector<Role>> roles_of(const std::vector<ScriptTensor>& tensors,
                                   const std::map<std::string, Role>& said,
                                   const std::map<std::string, Role>& from_file);

}  // namespace atl::models
