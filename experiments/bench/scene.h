// A scene: one real server in a folder of its own, and a crowd that is about to come. A model of
// 1,024 bytes: what is measured is everything but the model.
#pragma once

#include <memory>
#include <string>

#include "experiments/bench/bench.h"
#include "experiments/bench/crowd.h"
#include "experiments/bench/process.h"

namespace atl::bench {

constexpr uint64_t kTinyModel = 1024;  // bytes

struct Scene {
  std::unique_ptr<Process> server;
  Crowd crowd;
  std::string folder;
};

// Makes the folder, signs the clients' certificates and starts the server. `more`: TOML for the
// server's file.
Result<Scene> begin_scene(const std::string& program, const std::string& folder, size_t clients,
                          uint32_t rounds, const std::string& more = "");

// What a run's metrics tell: seconds of every closed round, and the number of refusals.
struct Told {
  Sample seconds;
  size_t refused = 0;
};
Result<Told> read_metrics(const std::string& folder);

}  // namespace atl::bench
