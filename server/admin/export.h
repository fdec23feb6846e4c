// `atoll-server export`: the model of a run in a folder of its own, with what is known of where it
// comes from.
//
//   OUT/model.safetensors   the model; its metadata say what it is: format = "pt", atoll.run,
//   round,
//                           atoll.config_sha256, atoll.model, atoll.norm, atoll.policy, and
//                           atoll.input ("1,28,28") and atoll.classes where the run says them
//   OUT/card.json           provenance: configuration with its hash, data as far as a server knows
//                           them, rounds, participants, evaluation
//   OUT/README.md           the same for people
#pragma once

#include <string>

#include "common/core/result.h"

namespace atl::server {

struct Exported {
  std::string folder, model;
  std::string sha256;  // of the model's data
  uint32_t round = 0;
};

// `folder`: a server's folder, or a run's. The newest committed round whose checkpoint is there and
// whole; a server that runs is not disturbed. `out` empty: NAME-round-N here. The folder appears
// whole or not at all. kUsage when `out` is there already, or nothing is committed yet; kConfig
// when `folder` holds no run; kModel when no checkpoint is whole.
Result<Exported> export_run(const std::string& folder, std::string out);

}  // namespace atl::server
