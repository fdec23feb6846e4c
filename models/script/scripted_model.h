// A model from a TorchScript file: a network written in Python, without a line of C++.
//
// Its tensors are those of the module, by their state-dict names and in their order, with roles by
// tensor_roles.h. A first model is drawn from the seed as for every other model (models/state.h),
// so the values in the file do not matter. It has no norm slots: normalizations are the file's own.
//
// The graph is run as it was written, without the fuser and without LibTorch's own gradients for
// whole subgraphs: what comes out is what the same operators give one by one. Random operators
// (dropout) draw from the process's generator, which every round seeds: with one client a process a
// run is repeatable, with several side by side it is not.
#pragma once

#include "models/registry.h"
#include "models/script/script_file.h"

namespace atl::models {

// kConfig when no file is named; kIo when it cannot be read; kModel when it is no TorchScript file,
// does not take a batch of plan.input, does not give [B, classes] floats, or has tensors that
// cannot be shared (tensor_roles.h), two names for one of them included.
Result<ModelPtr> load_scripted_model(const ModelPlan& plan, const ScriptFile& file);

}  // namespace atl::models
