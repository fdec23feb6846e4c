// Two or more runs side by side: what was set differently, how fast each reached a target, and
// which of them are one experiment with several seeds.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/report/run_record.h"

namespace atl::workbench {

// The first evaluation at or above the target: what it took.
struct Reached {
  uint32_t round = 0;
  double bytes = 0;    // down and up, of all rounds until then
  double seconds = 0;  // sum over those rounds
};

struct ComparedRun {
  RunRecord record;
  std::string label;  // as short as tells the runs apart
  Facts settings;     // config.toml by dotted keys; "data: ..." and "partition: ..." of run.json
  std::optional<Reached> reached;
};

// Runs whose settings are the same but for seed, name and the partition that came of the seed.
struct RunGroup {
  std::string label;
  std::vector<size_t> runs;  // indices, in the order given
};

struct Difference {
  std::string key;
  std::vector<std::string> values;  // by run; "" where it has none
};

struct Comparison {
  std::vector<ComparedRun> runs;
  std::vector<RunGroup> groups;  // each run in one of them
  std::vector<Difference> differences;
  size_t same = 0;               // keys with one value in all runs
  std::optional<double> target;  // accuracy, in (0, 1]; none where nothing was evaluated
  std::string target_rule;       // for a person
  std::vector<std::string> notes;

  bool grouped() const { return groups.size() < runs.size(); }
};

// A run that is named twice, or is a copy of another, counts once, and a note says so. Without a
// target it is the smallest of the runs' best accuracies, rounded down to whole percent.
Comparison compare(std::vector<RunRecord> runs, std::optional<double> target = {});

// Bytes down and up until the end of `round`.
double bytes_until(const RunRecord& run, uint32_t round);

// Mean and standard deviation over the runs that have the value.
struct Spread {
  double mean = 0, deviation = 0;  // NaN of none; deviation is NaN of fewer than two
  size_t count = 0;
};
using RunValue = double (*)(const ComparedRun&);  // NaN where there is none
Spread spread_of(const Comparison& comparison, const RunGroup& group, RunValue value);

double final_accuracy(const ComparedRun& run);
double best_accuracy(const ComparedRun& run);
double final_loss(const ComparedRun& run);
double traffic(const ComparedRun& run);  // bytes
double seconds(const ComparedRun& run);
double rounds_to_target(const ComparedRun& run);
double bytes_to_target(const ComparedRun& run);

}  // namespace atl::workbench
