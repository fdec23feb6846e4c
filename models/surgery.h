// Exchanges the normalization layers of a module that was not built from norm slots: one of plain
// torch::nn layers.
//
// In C++ a module calls its children through typed members, and no one from outside can put a layer
// of another type there. What can be exchanged are the elements of a torch::nn::Sequential, at any
// depth: so a module whose norms stand in Sequentials can be operated on, and every other one is
// refused as a whole. A TorchScript module has its layers compiled in and is no torch::nn::Module:
// build its network in C++, load its weights by name, then exchange.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "models/norm/norm.h"

namespace atl::models {

struct Replacement {
  std::string site;      // "layer1.0.body.1"
  std::string old_norm;  // "BatchNorm2d(64)"
  std::string new_norm;  // "ln"
  bool copied = false;   // gamma and beta (and running statistics, where both have them)
  std::string note;      // NormLayer::note()
};

// Swaps every BatchNorm1d, BatchNorm2d, InstanceNorm2d, GroupNorm and LayerNorm below `root` that
// `wanted` takes (null: all) for the norm of `spec`, or for nothing where that is none; the report
// is in the order of the modules. Values are copied where the shapes agree, else gamma is 1 and
// beta 0. A weight standardization or feature norm in `spec` is kConfig: those belong to other
// layers. kUnsupported when a norm is no element of a Sequential; kConfig when the norm does not
// fit a site. On an error nothing has changed. An optimizer made before holds the old layers'
// parameters.
Result<std::vector<Replacement>> replace_norms(
    torch::nn::Module& root, const NormSpec& spec,
    const std::function<bool(const std::string& site)>& wanted = {});

}  // namespace atl::models
