// The other side of `atoll bench train` and of the test that federated learning with one client is
// central training: SGD as anyone would write it with LibTorch, with nothing of Atoll's trainer in
// it but the order of the examples. Torch-free header.
#pragma once

#include <vector>

#include "client/data/dataset.h"
#include "common/core/result.h"
#include "server/run_config.h"

namespace atl::bench {

struct BareTraining {
  double seconds = 0;        // of the steps alone, data and model at hand
  std::vector<float> model;  // flat, parameters and buffers in the manifest's order (float32 only)
};

// Rounds of torch::optim::SGD over `share` in the order that the client "client-1" would take, one
// thread, a fresh optimizer a round. `run` names model, seed, rounds and [train] (sgd, epochs).
Result<BareTraining> train_bare(const server::RunConfig& run, const data::Dataset& set,
                                const data::Indices& share);
Result<double> bare_training_seconds(const server::RunConfig& run, const data::Dataset& set,
                                     const data::Indices& share);

}  // namespace atl::bench
