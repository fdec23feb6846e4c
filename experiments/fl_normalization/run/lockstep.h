// Lockstep: the policy "fedtan" of the study. The clients of a round take their first local step
// together, with the statistics of all their batches (models/norm/moment_exchange.h); the others
// are BatchNorm as usual (of the paper's later steps the description at hand says no more). Running
// statistics are pooled by the server. Only a simulation can do this.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "client/trainer.h"
#include "models/norm/moment_exchange.h"

namespace atl::study {

// Thread-safe. Outlives its trainers. All clients of a round must be able to train at the same
// time, each on a thread of its own.
class Lockstep {
 public:
  // Clients a round, and slots that normalise.
  Lockstep(size_t cohort, size_t slots) : cohort_(cohort), slots_(slots) {}

  std::unique_ptr<client::Trainer> around(std::string client,
                                          std::unique_ptr<client::Trainer> inner);

 private:
  class Member;
  std::shared_ptr<models::MomentExchange> exchange_of(uint32_t round);

  size_t cohort_, slots_;
  std::mutex mutex_;
  std::map<uint32_t, std::weak_ptr<models::MomentExchange>> exchanges_;
};

}  // namespace atl::study
