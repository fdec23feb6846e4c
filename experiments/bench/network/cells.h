// The cells of the network table: loss x round trip x rate. In each a small federation goes through
// an emulated link, and plain TCP through the same one, before and after it.
#pragma once

#include <mutex>
#include <tuple>

#include "experiments/bench/network/federation.h"

namespace atl::bench {

struct Cell {
  int loss = 0;  // percent of packets, in each direction
  int rtt = 0;   // ms
  int rate = 0;  // Mb/s
  Weather weather() const {
    return {loss / 100.0, std::chrono::milliseconds(rtt), uint64_t(rate) * 1'000'000};
  }
  std::string name() const;  // "5 % 50 ms 100 Mb/s"
};

// What all plays of one call share.
struct Stage {
  std::string server, scratch, congestion;
  uint64_t seed = 1;
};

// The models that must come out: of runs on loopback, each played once.
class References {
 public:
  explicit References(const Stage& stage) : stage_(stage) {}
  // From any thread.
  Result<std::string> of(size_t clients, uint32_t rounds, uint64_t model_bytes);

 private:
  const Stage& stage_;
  std::mutex mutex_;
  std::map<std::tuple<size_t, uint32_t, uint64_t>, std::string> known_;
};

// Bytes a second of model, all clients of a round together.
struct Rates {
  double down = 0, up = 0;
};
struct CellResult {
  Cell cell;
  uint64_t model_bytes = 0;  // fitted to what plain TCP reaches, so that a transfer takes `aim`
  std::string problem;       // empty: complete, and the model is the undisturbed run's
  Rates atoll, plain;
  double seconds = 0;
  size_t reconnects = 0;
  double share(double rate) const { return rate * 8 / (cell.rate * 1e6); }  // of the link
};

constexpr size_t kCellClients = 2;
constexpr uint32_t kCellRounds = 2;

// kUnsupported where there are no namespaces.
Result<CellResult> play_cell(const Stage& stage, References& references, const Cell& cell,
                             std::chrono::milliseconds aim);

}  // namespace atl::bench
