// Partitions: a data set cut into clients' shares, from a seed alone. Every scheme's definition
// stands in schemes.h. The shares are disjoint and complete; the index lists are hashed, so that
// a run's record says exactly who held what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/data/dataset.h"
#include "common/config/config.h"
#include "common/core/result.h"

namespace atl::workbench {

// The table [partition]; docs/config.md is written from it.
struct PartitionSpec {
  std::string scheme = "iid";      // scheme: see scheme_names()
  uint32_t clients = 10;           // clients; by-column: 0, the default there, is one per value
  double alpha = 0.5;              // alpha: concentration of the Dirichlets, >= 0.0001
  uint32_t shards_per_client = 2;  // shards_per_client
  uint32_t labels_per_client = 2;  // labels_per_client
  uint32_t min_examples = 10;      // min_examples: of training, for every client
  std::string column;              // column: of a table, for by-column
  uint64_t seed = 1;               // seed; absent: the run's
  std::string test = "split";      // test: split (the test part is dealt out too, iid) or whole (no
                                   // client has test data; an evaluator has all of it)
};

// One client's part. Indices are ascending, and point into DataSplits::train and ::test.
struct Share {
  std::string name;  // client-1 ... client-N, zero-padded to equal width
  data::Indices train, test;
};

struct Partition {
  std::vector<Share> shares;
  std::string sha256;  // of canonical_text(shares)
};

// "NAME train I I ...\nNAME test I I ...\n" for every share in order.
std::string canonical_text(const std::vector<Share>& shares);

std::vector<std::string> scheme_names();
// Mistakes are noted in the document; leaves finish() to the caller.
PartitionSpec read_partition_spec(config::Table partition, uint64_t run_seed = 1);

// kConfig for a spec that no set could fulfil, kData for one that this set cannot.
Result<Partition> make_partition(const PartitionSpec& spec, const data::DataSplits& splits);

}  // namespace atl::workbench
