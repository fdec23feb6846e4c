// A finished or unfinished run, read from its folder (server/store/run_store.h keeps it; the
// workbench adds run.json). Any part may be missing: what is not there is left empty, and a line in
// `notes` says what could not be read.
//
// run.json, one object, every key optional:
//   command      text: what was typed
//   data         {set, folder, sha256}: text; shown in the order of the file
//   partition    {scheme, sha256: text, alpha: number, clients: count,
//                 table: [[examples of each class] of each client]}
//   environment  {cpu, cores, compiler, torch, atoll, kernel, ...}: text or numbers
//   seconds      number: the whole run
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/result.h"
#include "experiments/report/metrics_log.h"

namespace atl::workbench {

struct StatusClient {
  std::string name;
  uint64_t train_examples = 0, test_examples = 0;
};

struct Checkpoint {
  uint32_t round = 0;
  std::string path;
  uint64_t bytes = 0;
  std::string data_sha256;  // as its header says; "" when the header cannot be read
};

// How run.json describes the split of the data over clients.
struct PartitionRecord {
  std::string scheme, sha256;
  std::optional<double> alpha;
  uint64_t clients = 0;
  std::vector<std::vector<uint64_t>> table;  // [client][class]: examples; rows of equal length
};

using Facts = std::vector<std::pair<std::string, std::string>>;  // in the order to show

struct RunRecord {
  std::string folder, name;
  std::string config, config_sha256;  // config.toml and its SHA-256; "" when there is none
  std::string model_name, model_norm;
  MetricsLog metrics;

  std::string state;  // "running", "finished", or "" when unknown
  uint32_t round = 0, total_rounds = 0;
  std::string model_path, model_sha256;
  std::vector<StatusClient> clients;
  std::vector<Checkpoint> checkpoints;  // newest first

  std::string command;
  Facts data, environment;
  PartitionRecord partition;
  double seconds = 0;  // of the whole run where run.json says it, else the sum over rounds
  bool seconds_is_sum = false;

  std::vector<std::string> notes;

  // The last and the best evaluation; null when there is none.
  const EvaluationLine* final_evaluation() const;
  const EvaluationLine* best_evaluation() const;
  uint64_t bytes_down() const;  // over all rounds
  uint64_t bytes_up() const;
};

// kIo when the folder is missing or holds nothing of a run.
Result<RunRecord> read_run(const std::string& folder);

}  // namespace atl::workbench
