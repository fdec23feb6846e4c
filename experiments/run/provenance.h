// run.json: what a run folder holds beside the server's own files, so that a run can be repeated
// and a report says where its numbers come from: command, data, partition, machine.
#pragma once

#include <string>

#include "client/data/data_spec.h"
#include "experiments/data/partition.h"

namespace atl::workbench {

struct Provenance {
  std::string command;  // as typed
  std::string set, data_folder;
  PartitionSpec partition;
  std::string partition_sha256;
  std::vector<std::vector<uint64_t>> table;  // examples per client and class
  double seconds = 0;                        // 0 while the run goes on
};

// kConfig when the folder holds a run over another partition of the data.
Status check_provenance(const std::string& run_folder, const Provenance& record);
Status write_provenance(const std::string& run_folder, const Provenance& record);

// One line of JSON, as `atoll simulate --json` and `atoll demo --json` end with.
struct RunOutcome {
  double accuracy = 0, loss = 0;  // of the final model; NaN when nothing was evaluated
  uint32_t rounds = 0;
  double seconds = 0;
  std::string model, model_sha256, run, report;
};
std::string to_json(const RunOutcome& outcome);

}  // namespace atl::workbench
