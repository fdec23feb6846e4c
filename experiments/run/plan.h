// A run file of the workbench (experiments/*.toml): the server's run configuration, and beside it
// [data] what the clients train on, [partition] who gets which share, [simulate] how to run it in
// one process. The same file serves `atoll simulate`, `atoll demo` and, with its other tables
// ignored, `atoll-server run`.
#pragma once

#include <functional>
#include <string>

#include "client/data/data_spec.h"
#include "experiments/data/partition.h"
#include "experiments/run/provenance.h"
#include "models/script/script_file.h"
#include "server/run_config.h"

namespace atl::workbench {

struct Plan {
  server::RunConfig run;
  data::DataSpec data;
  std::string fallback;          // [data] fallback: the set to take when the first is not at hand
  std::string augment = "none";  // [data] augment
  PartitionSpec partition;
  uint32_t threads = 0;         // [simulate] threads: clients trained side by side; 0: one a core
  std::string device = "auto";  // [simulate] device
  bool evaluate_after = false;  // [simulate] evaluate_after
  models::ScriptFile script;    // [simulate] torchscript, roles
};

// `set` overrides [data] set when it is not empty (and then there is no fallback).
Result<Plan> load_plan(const std::string& file, const std::string& set);

// Finds the data (fetching them where that is possible), reads them, and deals out the shares.
// `say` hears which set it is and why.
struct Prepared {
  data::DataSplits splits;
  Partition partition;
  Provenance record;
};
Result<Prepared> prepare(const Plan& plan, const std::function<void(const std::string&)>& say);

// runs/NAME-20261125-081500
std::string new_run_folder(const std::string& name);

}  // namespace atl::workbench
