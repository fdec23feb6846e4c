// What the map of regimes says about a federation that has not been trained yet: which norms to try
// first, what to do with BatchNorm's statistics, and why.
#pragma once

#include <string>
#include <vector>

#include "experiments/fl_normalization/analysis/regimes.h"

namespace atl::study {

// What is known before training. Of clients that differ: medians.
struct Federation {
  double clients = 0, images = 0;  // examples of training per client
  double skew = 0;                 // mean total variation of the clients' labels to all, 0 to 1
  double effective_classes = 0;    // mean over clients of exp(entropy of the labels)
  double local_epochs = 0, local_steps = 0;  // a round
  double norm_slots = 0;
  uint32_t batch = 0, least_batch = 0;  // as configured; the smallest that any client meets
  std::string norm, policy;             // as configured now
};

struct Neighbour {
  const Regime* regime = nullptr;
  double distance = 0;  // 0: the same; 1 in one quantity: as far as the ends of the map are apart
};

struct Advice {
  std::vector<std::string> norms;  // to try, in this order; "bn" with its policy beside it
  std::string policy;              // for bn
  std::vector<std::string> why;
  std::vector<std::string> careful;   // where the evidence does not reach, and traps of the config
  std::vector<Neighbour> neighbours;  // the three nearest regimes that were measured
};

// The map outlives the advice. kUnsupported where the map gives no rule.
Result<Advice> advise(const Federation& federation, const RegimeMap& map);

// The map that this build knows: experiments/fl_normalization/results/map/regimes.json.
Result<RegimeMap> built_in_map();

std::string to_text(const Federation& federation, const Advice& advice);
std::string to_json(const Federation& federation, const Advice& advice);  // on one line

}  // namespace atl::study
