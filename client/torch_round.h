// The local training of one round: the loop over batches.
#pragma once

#include <span>
#include <string>

#include "client/torch_workspace.h"
#include "client/trainer.h"
#include "common/core/result.h"

namespace atl::client {

struct LocalRound {
  const Task& task;
  const std::string& client;          // names the random streams
  std::span<const uint32_t> indices;  // the client's share, in the partitioner's order
  bool augment = false;               // pad-crop-flip
};

// Batches of a round: `settings.steps`, or as many as the epochs have. The last batch of an epoch
// is short when the share does not divide.
uint64_t steps_of(const wire::TrainSettings& settings, size_t examples);

// Trains the workspace's module, which has the round's model loaded; its loader is open on the
// training set. Every epoch is a fresh permutation from the stream (seed, "shuffle", client,
// round); crops come from (seed, "augment", client, round), dropout from (seed, "dropout", client,
// round). Fills steps, train_loss and seconds.
// kConfig on bad settings, kData on an empty share, kUnsupported on bf16 that the device lacks,
// kInterrupted on cancel, kTrainer when the loss is not finite.
Status train(Workspace& workspace, const LocalRound& round, Progress& progress,
             TrainReport& report);

}  // namespace atl::client
