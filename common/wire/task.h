// What the server asks of a client in a round, and what the client answers. Plain structs, used by
// both sides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/tensor/role.h"

namespace atl::wire {

// Keys of closed registries in the client's program; nothing is loaded or imported by name.
struct ModelSpec {
  std::string name = "lenet";
  std::string norm = "none";
  std::vector<int64_t> input;  // {C, H, W}
  uint32_t classes = 0;
  bool operator==(const ModelSpec&) const = default;
};

// Roles whose tensors a client treats apart from the rest, as the run's policy says
// (server/aggregation/policy.h). What it uploads for them is what it received. No role stands in
// two lists.
struct RoleRules {
  std::vector<Role> local;  // kept by the client from round to round, and never sent
  std::vector<Role> reset;  // of the statistics: begin every round anew, and are never sent
  std::vector<Role> fixed;  // of the statistics: training normalises with them and leaves them
  bool operator==(const RoleRules&) const = default;
  bool empty() const { return local.empty() && reset.empty() && fixed.empty(); }
};

// Local optimisation, as the run file says it ([train]); every client of a round gets the same.
struct TrainSettings {
  std::string optimizer = "sgd";  // sgd | adamw
  double learning_rate = 0.1;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // adamw
  uint32_t epochs = 1;                                // passes over the local data ...
  uint32_t steps = 0;                                 // ... or exactly this many batches, when > 0
  uint32_t batch_size = 32;
  double clip_norm = 0;               // global gradient norm; 0: off
  std::string schedule = "constant";  // constant | cosine | step | exponential, over rounds
  double schedule_factor =
      1;  // exponential: per round; step: per schedule_every rounds; cosine: unused
  uint32_t schedule_every = 1;
  uint32_t warmup_rounds = 0;
  bool bf16 = false;  // autocast where the device has it
  // Adaptive clipping of each row of a weight's gradient, at this share of the row's length; 0: off
  double adaptive_clip = 0;
  RoleRules roles;
  bool operator==(const TrainSettings&) const = default;
};

// Integer counts, so that sums over clients are exact.
struct Evaluation {
  uint64_t examples = 0;
  uint64_t correct = 0;
  double loss_sum = 0;  // sum over examples, in nats
  bool operator==(const Evaluation&) const = default;
};

struct TrainReport {
  uint64_t examples = 0;  // the update's weight under weights = "examples"
  uint64_t steps = 0;
  double train_loss = 0;     // mean over the round's examples
  double update_norm = 0;    // L2 of (new - received) over trainable tensors
  double seconds = 0;        // of training alone
  Evaluation before, after;  // of the received model, and of the local model after training
  bool operator==(const TrainReport&) const = default;
};

}  // namespace atl::wire
