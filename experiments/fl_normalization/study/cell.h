// A cell of the normalization study: one federated run, said completely. Its result is a pure
// function of what stands here (and of the data's bytes), so its key names its result file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "experiments/data/partition.h"
#include "server/run_config.h"

namespace atl::study {

struct Cell {
  std::string data = "cifar10";  // cifar10 | fashion_mnist (padded to 32x32)
  std::string model = "lenet";
  std::string norm = "bn";
  // What happens to the norm's tensors: a policy of server/aggregation/policy.h, or "fedtan"
  // (run/lockstep.h; needs the norm bn).
  std::string policy = "all";
  // NCLS: every client holds exactly N classes, in equal shares | dirA: Dirichlet(A) | iid |
  // fshift: iid, and every client sees its images through a camera of its own
  // (data/feature_shift.h)
  std::string partition = "2cls";
  uint32_t clients = 20;
  uint32_t images = 500;  // per client; clients x images are drawn in equal parts from all classes
  uint32_t cohort = 8;    // clients a round
  uint32_t epochs = 2;    // local, a round
  uint32_t batch = 32;
  double rate = 0.1;  // of SGD, constant
  double momentum = 0;
  uint32_t rounds = 50;
  uint64_t seed = 1;
  uint32_t evaluate_every = 2;  // rounds; the last five are always evaluated
  uint32_t measure_every = 5;   // rounds; 0: no metrics

  // For a file's name. Every field that a result depends on is in it.
  std::string key() const;
  // Without seed, rate, norm and policy: what is compared within one of these is comparable.
  std::string setting() const;
  std::string shape() const;  // the setting without its rounds
  // "bn(all)", "ln": a policy is told where there are running statistics for it.
  std::string method() const;
  uint64_t images_per_round() const { return uint64_t{cohort} * images * epochs; }
  uint64_t images_in_all() const { return images_per_round() * rounds; }
  bool is_lockstep() const { return policy == "fedtan"; }
  bool shifts_features() const { return partition == "fshift"; }
  // Batches that a client trains on in a round.
  uint32_t local_steps() const { return epochs * ((images + batch - 1) / batch); }
  bool operator==(const Cell&) const = default;
};

// Whether metrics are taken of this round (>= 1): every so many, and the last.
bool measured(const Cell& cell, uint32_t round);
// Whether the model of this round is evaluated: every so many rounds, the last five, and every
// model that a measured round begins with.
bool evaluated(const Cell& cell, uint32_t round);
// On all test images rather than on some: the last five rounds of a cell that is measured.
bool evaluated_on_all(const Cell& cell, uint32_t round);

// kConfig with the known forms on a partition name that is none of the above.
Result<workbench::PartitionSpec> partition_of(const Cell& cell);
// kConfig on a policy that the norm cannot have.
Result<server::RunConfig> run_config_of(const Cell& cell);

std::string to_json(const Cell& cell);               // an object on one line
Result<Cell> cell_from_json(std::string_view text);  // kData when it is not one

}  // namespace atl::study
