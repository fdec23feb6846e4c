// metrics.jsonl as values: what server/metrics/events.cc wrote, one JSON object a line.
//
// A server that is killed can cut its last line, and a server that starts again does rounds anew:
// lines that are not whole are counted and passed over, and the last word about a round counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"

namespace atl::workbench {

// Absent: null in the file, because it was not finite.
using MaybeNumber = std::optional<double>;

struct RoundLine {
  uint32_t round = 0;
  double seconds = 0;
  uint64_t clients = 0, examples = 0;
  MaybeNumber train_loss, update_norm;
  uint64_t bytes_down = 0, bytes_up = 0;
  std::string model_sha256;
};

// Of the model of `round`; round 0 is the initial model.
struct EvaluationLine {
  uint32_t round = 0;
  uint64_t examples = 0, correct = 0;
  double accuracy = 0;  // in [0, 1]
  MaybeNumber loss;
};

struct ClientLine {
  uint32_t round = 0;
  uint64_t examples = 0;
  MaybeNumber train_loss, update_norm, seconds;
  uint64_t bytes_down = 0, bytes_up = 0;
  MaybeNumber accuracy_before, accuracy_after;  // on the client's own test data
};

struct RefusedLine {
  uint32_t round = 0;
  std::string client, reason;  // words of a peer: escape them
};

struct MetricsLog {
  std::vector<RoundLine> rounds;                           // ascending, each round once
  std::vector<EvaluationLine> evaluations;                 // ascending, each round once
  std::map<std::string, std::vector<ClientLine>> clients;  // by name; ascending rounds
  std::vector<RefusedLine> refusals;                       // in the order of the file
  std::string first_time, last_time;                       // ISO 8601, UTC; "" when unknown
  uint64_t lines = 0;
  uint64_t damaged_lines = 0;  // not JSON, or without what their kind must say
  uint64_t other_lines = 0;    // kinds of line that this version does not know
};

// Takes the file piece by piece, cut anywhere. A line longer than 1 MiB is damaged.
class MetricsReader {
 public:
  void feed(std::string_view piece);
  MetricsLog finish();  // the rest without a line break is the last line; call once

 private:
  void line(std::string_view text);
  MetricsLog log_;
  std::string rest_;
  bool too_long_ = false;
};

// Reads the file in pieces; its size is not limited by memory for text. kIo when it cannot be read.
Result<MetricsLog> read_metrics(const std::string& path);

}  // namespace atl::workbench
