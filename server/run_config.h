// A run as its TOML file says it: what to train, with whom, and how updates become the next model.
// Every key, its meaning and its default stand here; docs/config.md is written from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/config/config.h"
#include "common/core/hash.h"
#include "common/core/result.h"
#include "common/wire/task.h"

namespace atl::server {

struct RunConfig {
  std::string name = "run";  // name
  uint64_t seed = 1;         // seed: the run's only source of randomness
  uint32_t rounds = 10;      // rounds

  wire::ModelSpec model;      // [model] name, norm, input, classes; input and classes: the client's
                              // data decide when absent
  std::string initial_model;  // [model] initial: a safetensors file; absent: a client draws the
                              // weights from the seed
  wire::TrainSettings train;  // [train]

  // [selection]
  uint32_t min_clients = 1;   // clients with training data that must have joined before round 1
  uint32_t cohort = 0;        // updates wanted a round; 0: of every client
  double over_selection = 0;  // select this fraction more, close the round at `cohort` updates
  uint32_t quorum = 0;        // updates without which a round is void; 0: all of the cohort

  // [admission], which is not part of what to_toml() writes: it may change between two starts
  uint32_t quarantine_after = 3;  // updates refused in a row, and a client is out; 0: never

  // [aggregation]
  std::string rule = "fedavg";       // fedavg
  std::string weights = "examples";  // examples | uniform
  std::string policy = "pooled";     // what happens to each role (aggregation/policy.h)
  uint32_t fix_after = 0;  // fixbn: the last round with moving statistics; 0: half of the rounds

  // [evaluation]
  uint32_t evaluate_every =
      1;  // rounds between evaluations on clients' test data; 0: only at the end

  // [checkpoints]
  uint32_t keep = 2;  // newest checkpoints kept

  // [timeouts], seconds. docs/timeouts.md
  std::chrono::milliseconds progress{
      120'000};  // progress_s: a client that shows no progress this long is out of the round
  std::chrono::milliseconds poll{
      15'000};  // poll_s: an idle client hears "wait" at least this often
  std::chrono::milliseconds round_limit{
      0};  // round_s: a round waits no longer than this, whoever makes progress; 0: as long as any
};

// Reads the tables above; leaves document.finish() to the caller, who may read more tables first.
RunConfig read_run_config(config::Table root);
// The whole configuration as TOML, defaults filled in; its SHA-256 is the run's config hash.
std::string to_toml(const RunConfig& run);

}  // namespace atl::server
