// Loss and accuracy of a model on a share of a data set.
#pragma once

#include <span>

#include "client/torch_workspace.h"
#include "client/trainer.h"
#include "common/core/result.h"

namespace atl::client {

// Puts the module into evaluation mode. Goes through `indices` in their order in batches of 256,
// whatever the training's batch size, and sums the losses in double, example by example, on the
// CPU. A tie between classes goes to the lower one. `open` must have been called on the workspace's
// loader. Every batch counts in progress.steps_done. kInterrupted when progress.cancel was set.
Result<Evaluation> evaluate(Workspace& workspace, std::span<const uint32_t> indices,
                            Progress& progress);
// The batches of such an evaluation.
uint64_t evaluation_steps(size_t examples);

// Adds a batch. logits: [B, classes] on any device; labels: [B].
void add_to(Evaluation& sums, const torch::Tensor& logits, const torch::Tensor& labels);

}  // namespace atl::client
