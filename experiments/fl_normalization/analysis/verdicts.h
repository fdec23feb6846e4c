// The directions of Du et al. 2022 (arXiv 2210.03277) that a reproduction must show, judged on what
// was run. The paper's numbers are second-hand here (README.md), so directions are compared and not
// digits.
#pragma once

#include <string>
#include <vector>

#include "experiments/fl_normalization/analysis/comparison.h"

namespace atl::study {

struct Verdict {
  std::string id, claim;  // "D2", "LN - BN >= +8 points on every architecture"
  std::string judged;     // holds | does not hold | not tested
  std::string numbers;    // what it was judged by, per setting; or why it was not
};

// D1 LN >= GN - 1 point; D2 LN - BN >= 8 points; D3 no norm falls behind by 8 points or more on a
// plain deep net (vgg) but not with residual paths (resnet); D4 fixed statistics change BN by less
// than 1 point; D5 LN needs the fewest rounds to 35 %. Over the settings in which each client holds
// two classes; means over seeds.
std::vector<Verdict> verdicts(const std::vector<Setting>& settings);

// The paper's table: CIFAR-10, two classes per device, 5000 rounds, E = 10, B = 64; test accuracy
// in percent.
struct Published {
  std::string architecture;  // ours: vgg11, resnet18, lenet
  double bn = 0, ln = 0, gn = 0, none = 0, fixed_bn = 0;
};
const std::vector<Published>& published();

}  // namespace atl::study
