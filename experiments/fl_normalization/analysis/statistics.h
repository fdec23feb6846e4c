// The statistics of few seeds and a few dozen cells.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/numeric/mean.h"

namespace atl::study {

using atl::deviation;
using atl::mean;

struct Interval {
  double low = 0, high = 0;  // NaN where there is none
  bool holds(double value) const { return low <= value && value <= high; }
  // 1, -1: it lies above or below zero; 0: it holds zero, or there is none.
  int side() const { return low > 0 ? 1 : high < 0 ? -1 : 0; }
};

// 95 % of Student's t for the mean of n >= 2 values, taken as independent and normal; no interval
// for fewer. With three seeds its half width is 2.5 deviations: directions, not digits.
Interval t_interval(std::span<const double> values);
// 95 % percentile bootstrap of the mean, over cells rather than seeds: with three seeds there are
// ten resamples only. `seed` names the draws.
Interval bootstrap_interval(std::span<const double> values, uint32_t resamples, uint64_t seed);

// Spearman's rank correlation, ties with their mean rank; NaN where one side has no spread.
double rank_correlation(std::span<const double> x, std::span<const double> y);
// The probability that x is higher where `positive` than where not, ties half: the area under the
// ROC curve. 0.5: x tells nothing. NaN without both kinds.
double separation(std::span<const double> x, const std::vector<bool>& positive);

}  // namespace atl::study
