// What a partition looks like: who has how much of which class, and how far from iid that is.
#pragma once

#include <string>
#include <vector>

#include "client/data/dataset.h"
#include "common/core/result.h"
#include "experiments/data/partition.h"

namespace atl::workbench {

struct ShareReport {
  std::string name;
  size_t train = 0, test = 0;
  std::vector<size_t> per_class;  // training examples
  double total_variation = 0;     // of the share's label distribution to the set's, 0..1
  double effective_classes = 0;   // exp(entropy in nats) of the share's label distribution
};

struct PartitionReport {
  std::vector<ShareReport> shares;
  double mean_total_variation = 0;
  double mean_effective_classes = 0;
  double size_gini = 0;  // of the training sizes; 0: all equal
};

PartitionReport report_partition(const Partition& partition, const data::DataSplits& splits);
// A table for a terminal; clients beyond the first `rows` are summed up in one line.
std::string to_table(const PartitionReport& report, const std::vector<std::string>& class_names,
                     size_t rows = 40);

// Makes `folder` and writes NAME.train.indices and NAME.test.indices for each client, then
// partition.json (set, scheme, parameters, seed, sizes, class x client table, sha256), which is
// last, so a folder with it is whole.
Status write_partition(const std::string& folder, const PartitionSpec& spec,
                       const Partition& partition, const data::DataSplits& splits);
// The same object as text on one line.
std::string to_json(const PartitionSpec& spec, const Partition& partition,
                    const data::DataSplits& splits);

}  // namespace atl::workbench
