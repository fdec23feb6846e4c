#include "common/numeric/mean.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace atl {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double mean(std::span<const double> values) {
  if (values.empty()) return kNothing;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(std::span<const double> values) {
  if (values.size() < 2) return kNothing;
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

}  // namespace atl
