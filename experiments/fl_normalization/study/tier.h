// The sizes in which the study comes: which cells, before any budget has cut them.
//
//   smoke  minutes of a test machine: that everything works, on real images; no findings
//   cpu    about an hour on two cores: one setting with all norms and policies, three seeds, on two
//          sets; and a deeper net
//   long   the map of regimes: LN, BN and none over partition x images x local epochs
//   gpu    the three architectures of the paper over 100 clients
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/fl_normalization/study/cell.h"

namespace atl::study {

struct Method {
  std::string norm, policy = "all";
};

// Cells that are compared with each other: one setting, several methods and seeds.
struct Block {
  Cell base;
  std::vector<Method> methods;
  std::vector<uint64_t> seeds;
  uint64_t images = 0;        // that a run may train on; rounds = images / (images a round)
  uint32_t least_rounds = 6;  // below, a block is left out rather than cut further
  uint32_t most_rounds = 5000;
  uint32_t measures = 4;  // measured rounds of a run, about
  bool may_go = false;    // left out when the budget is short
  std::string name;       // "vgg_mini", for the reductions
};

struct Tier {
  std::string name;
  double budget_minutes = 0;
  std::vector<double> grid;  // of learning rates, the same for every norm
  uint64_t tuning_seed = 1000;
  double tuning_share = 0.25;  // of a run's rounds, for each rate
  double probe_seconds = 5;    // of measuring each model and norm before anything is planned
  std::vector<Block> blocks;
};

std::vector<std::string> tier_names();
// `data`: the set, where it is not the tier's own. kConfig on an unknown name or set.
Result<Tier> make_tier(const std::string& name, const std::optional<std::string>& data = {});

}  // namespace atl::study
