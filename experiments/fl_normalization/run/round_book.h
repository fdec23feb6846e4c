// RoundBook: what a simulated run leaves behind for the study's metrics: the clients' local models
// of the rounds that are measured, and the time that training took. A decorator around each
// client's trainer fills it (SimulationOptions::around); a round that is not measured costs one
// comparison.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/trainer.h"

namespace atl::study {

struct LocalModel {
  std::string client;
  uint64_t examples = 0;
  Bytes flat;               // after training, as it is uploaded
  wire::Evaluation before;  // of the model received, with the client's own slots, on its test data
};

struct RoundModels {
  Bytes before;                    // as received
  std::vector<LocalModel> locals;  // sorted by client
};

// Thread-safe.
class RoundBook {
 public:
  explicit RoundBook(std::function<bool(uint32_t round)> measured)
      : measured_(std::move(measured)) {}

  // The inner trainer, with a look at what it receives and what comes out of it.
  std::unique_ptr<client::Trainer> around(std::string client,
                                          std::unique_ptr<client::Trainer> inner);
  bool measured(uint32_t round) const { return measured_(round); }
  // What was kept of a round; empty when it was not measured. Forgets it.
  RoundModels take(uint32_t round);
  double train_seconds() const;

 private:
  class Observed;
  void add_seconds(double seconds);
  void add(uint32_t round, Bytes before, LocalModel local);

  std::function<bool(uint32_t)> measured_;
  mutable std::mutex mutex_;
  std::map<uint32_t, RoundModels> rounds_;
  double train_seconds_ = 0;
};

}  // namespace atl::study
