// The honest clients of a federation under attack: the real client loop with a trainer whose update
// is a function of the model it received, its name and the round, so that one bit wrong anywhere in
// a run shows in every model after it.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "client/trainer.h"

namespace atl::bench {

using TimePoint = std::chrono::steady_clock::time_point;

// What the clients of one run share, and others may look at while they run.
struct HonestRun {
  std::atomic<uint32_t> round{0};      // that client 0 works on
  std::atomic<int> training_ms{0};     // how long a client trains
  std::atomic<uint32_t> hold_at{~0u};  // no client trains in this round and after, until it moves
  std::map<uint32_t, TimePoint> begun() const {
    const std::lock_guard lock(mutex);
    return begun_;
  }
  void note(uint32_t number) {
    const std::lock_guard lock(mutex);
    begun_.emplace(number, std::chrono::steady_clock::now());
    round = number;
  }

 private:
  mutable std::mutex mutex;
  std::map<uint32_t, TimePoint> begun_;  // when client 0 had a round's model
};

// A weight, a running mean and a running variance: 257 KiB.
Manifest honest_manifest();

// Runs clients "client0", ... that are enrolled beside the server's folder (scripted_clients.h)
// until the run is complete. An error when one of their connections breaks.
Status run_honest(const std::string& server_folder, const std::string& address, size_t clients,
                  HonestRun& shared);

}  // namespace atl::bench
