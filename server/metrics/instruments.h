// What a server counts about its own work, for whoever watches it (server/watch). Since its start:
// a restart begins at zero, which is what Prometheus expects of a counter. Used on the server's
// executor only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace atl::server {

// Durations in seconds, counted by bucket.
class Histogram {
 public:
  // Upper bounds, inclusive; one more bucket takes what is longer.
  static constexpr std::array<double, 14> kBounds{0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1,
                                                  2.5,   5,    10,   30,  60,   300, 1800};
  void observe(double seconds) {
    size_t at = 0;
    while (at < kBounds.size() && seconds > kBounds[at]) ++at;
    ++counts_[at];
    sum_ += seconds;
  }
  const std::array<uint64_t, kBounds.size() + 1>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::array<uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

// What one client has done for the run since the server's start.
struct ClientTotals {
  uint32_t round = 0;  // the last one its update went into
  uint64_t updates = 0, refused = 0;
  uint64_t bytes_down = 0, bytes_up = 0;
  double update_norm = 0, train_loss = 0, seconds = 0;  // of that round's update
};

struct Instruments {
  Histogram round_seconds;        // from a round's opening to its model on the disk
  Histogram upload_seconds;       // of each update that went into a model
  Histogram aggregation_seconds;  // reducing a round's updates and writing the model
  uint64_t rounds = 0, evaluations = 0, updates = 0;
  std::map<std::string, uint64_t> refused;  // updates, by the wire's reason
  // Of the newest evaluation; its round is 0 and `evaluations` too when there was none.
  uint32_t evaluated_round = 0;
  double accuracy = 0, loss = 0;
  std::map<std::string, ClientTotals> clients;  // those that have sent an update
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

}  // namespace atl::server
