// Mean and standard deviation of a few numbers.
#pragma once

#include <span>

namespace atl {

double mean(std::span<const double> values);       // NaN of none
double deviation(std::span<const double> values);  // over n - 1; NaN of fewer than two

}  // namespace atl
