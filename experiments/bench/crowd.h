// A crowd: thousands of scripted clients of one real server, all on one thread with a pool beside
// it. Their certificates are signed in advance with the server's own authority, because ten
// thousand enrolments are another benchmark.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "client/trainer.h"
#include "common/tensor/manifest.h"
#include "experiments/bench/observed_session.h"

namespace atl::bench {

struct Crowd {
  std::string server_folder;  // of `atoll-server init`
  std::string folder;         // for the certificates
  std::string address;        // where the server listens
  size_t clients = 1;
  Manifest manifest;
  // Client k connects k times this long after the first.
  std::chrono::microseconds stagger{0};
  // The last client connects this long after its turn.
  std::chrono::milliseconds hold_last{0};
  // Of client k: hears its messages, on the crowd's thread; and is what it does for training, on
  // one of the pool's threads. Either may be empty.
  std::function<Observer(size_t client)> observer;
  std::function<Status(size_t client, const client::Task&)> train;
  size_t threads = 1;  // of the pool
  // Set by another thread when the crowd is to leave in the middle of the run.
  std::shared_ptr<std::atomic<bool>> leave = std::make_shared<std::atomic<bool>>(false);
  std::chrono::milliseconds limit = std::chrono::hours(24);  // the crowd is given up after this
};

Status sign_certificates(const Crowd& crowd);

struct CrowdOutcome {
  size_t complete = 0;  // clients that heard that the run is complete
  size_t reconnects = 0;
  std::string first_error;  // of a client that ended otherwise
};
// Runs all clients until the run is complete.
Result<CrowdOutcome> run_crowd(const Crowd& crowd);

}  // namespace atl::bench
