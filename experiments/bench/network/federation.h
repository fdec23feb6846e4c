// A federation across an emulated link: the real server as a process on one side, scripted clients
// over mutual TLS on the other; or all of it on loopback, for the model that must come out.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "experiments/bench/crowd.h"
#include "experiments/bench/network/emulator.h"
#include "experiments/bench/process.h"

namespace atl::bench {

struct FederationPlan {
  std::string server;  // program
  std::string folder;  // made, and removed with the federation
  size_t clients = 2;
  uint32_t rounds = 2;
  uint64_t model_bytes = 1 << 20;
  std::chrono::milliseconds limit = std::chrono::minutes(10);
};

// A model's way to all clients of a round, or their updates' way back.
struct Transfer {
  std::chrono::steady_clock::time_point begun, ended;  // the first request, the last answer
  double seconds() const { return std::chrono::duration<double>(ended - begun).count(); }
};

struct FederationOutcome {
  std::string problem;  // empty: the run is complete
  std::string model;    // SHA-256, of a complete run
  double seconds = 0;   // from the server's start to its end
  size_t reconnects = 0;
  std::map<uint32_t, Transfer> down, up;  // by round; round 0 is the initial model
};

class LinkedFederation {
 public:
  enum class Moment { kFetch, kModel, kOffer, kTaken };  // asked for, whole; offered, taken
  // Called on one of the federation's threads; may not block.
  using Hook = std::function<void(Moment, size_t client, uint32_t round)>;

  // `link`: null for loopback. It outlives the federation.
  static Result<std::unique_ptr<LinkedFederation>> make(FederationPlan plan,
                                                        const EmulatedLink* link);
  ~LinkedFederation();

  Hook hook = [](Moment, size_t, uint32_t) {};
  // How long a client trains in a round.
  std::function<std::chrono::milliseconds(size_t client, uint32_t round)> training =
      [](size_t, uint32_t) { return std::chrono::milliseconds(0); };

  // Plays the run from start to end. What the network did to it is in the outcome, not an error.
  Result<FederationOutcome> run();
  // From another thread, while it runs: the server is killed, then `between` is called, then it is
  // started again.
  Status restart_server(const std::function<void()>& between);

 private:
  LinkedFederation(FederationPlan plan, const EmulatedLink* link)
      : plan_(std::move(plan)), link_(link) {}
  Status start_server();
  Result<std::string> finish_server();
  void note(FederationOutcome& outcome, Moment moment, size_t client, uint32_t round);

  FederationPlan plan_;
  const EmulatedLink* link_;
  Crowd crowd_;
  std::mutex mutex_;  // of the server's process and the outcome's transfers
  std::unique_ptr<Process> server_;
};

}  // namespace atl::bench
