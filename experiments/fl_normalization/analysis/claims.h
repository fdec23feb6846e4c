// Two claims of Du et al. 2022 that are tested rather than repeated: that without a normalization
// the contributions of some devices are obliterated by those of others, and that BatchNorm loses
// accuracy by the mismatch of its averaged statistics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/fl_normalization/analysis/comparison.h"

namespace atl::study {

// No norm against a method, paired by seed, with 95 % intervals. Obliteration would be: OI and the
// spread of norms higher without a norm, N_eff / K and the least retention lower.
struct Obliteration {
  const Setting* setting = nullptr;
  std::string method;                            // "ln", "bn(all)", ...
  Difference oi, n_eff, norm_spread, retention;  // none minus method
  // "yes" when OI is higher and N_eff lower and neither interval holds zero; "reversed" when it is
  // the other way round; "mixed" when both differ, but do not agree; "no difference" otherwise.
  std::string judged;
};
// Of every setting that was run without a norm, all other methods.
std::vector<Obliteration> obliterations(const std::vector<Setting>& settings);

// M beside what it could have cost: over all runs with running statistics, the accuracy that the
// stored statistics lose against those of the batch and against recalibrated ones.
struct MismatchCost {
  size_t runs = 0;
  double mean_mismatch = 0, lost_to_batch = 0, lost_to_recalibrated = 0;  // lost: points
  double correlation_batch = 0, correlation_recalibrated = 0;  // Spearman's, over runs; NaN of few
};
struct MismatchByMethod {
  std::string method;
  MismatchCost cost;
};
// All methods together under the name "all of them", then one by one, in the order of their
// appearance. Empty where nothing was measured.
std::vector<MismatchByMethod> mismatch_costs(const std::vector<Setting>& settings);

}  // namespace atl::study
