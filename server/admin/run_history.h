// What a run has been so far, by the lines of its metrics.jsonl: for the card of its model. Lines
// are delivered with a round's commit, so a round that stands here is committed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::server {

struct RunHistory {
  struct Round {
    std::string model_sha256, time;
    uint64_t clients = 0, examples = 0;
    std::optional<double> train_loss;  // absent: it was not finite
  };
  struct Evaluation {
    uint64_t examples = 0;
    double accuracy = 0;
    std::optional<double> loss;
  };
  struct Client {
    std::vector<bool> rounds;                    // by number: its update went in
    uint64_t examples = 0;                       // of the last one
    uint64_t contributed(uint32_t up_to) const;  // rounds
  };
  std::map<uint32_t, Round> rounds;            // a round that was done again: the last time
  std::map<uint32_t, Evaluation> evaluations;  // of the round's model
  std::map<std::string, Client> clients;
};

// Read line by line; a line that is damaged or of another kind is passed over. kUsage when there is
// no file: nothing has been committed. kIo when it cannot be read.
Result<RunHistory> read_history(const std::string& run_folder);

}  // namespace atl::server
