#include "experiments/fl_normalization/analysis/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/core/check.h"
#include "common/core/rng.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// The 97.5 % quantile of Student's t, by degrees of freedom from 1.
constexpr std::array kT{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                        2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                        2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

std::vector<double> ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (size_t from = 0; from < order.size();) {
    size_t to = from + 1;
    while (to < order.size() && values[order[to]] == values[order[from]]) ++to;
    for (size_t i = from; i < to; ++i)
      out[order[i]] = (static_cast<double>(from) + static_cast<double>(to) + 1) / 2;
    from = to;
  }
  return out;
}

}  // namespace

Interval t_interval(std::span<const double> values) {
  if (values.size() < 2) return {kNothing, kNothing};
  const size_t freedom = values.size() - 1;
  const double t = freedom <= kT.size() ? kT[freedom - 1] : 1.96;
  const double half = t * deviation(values) / std::sqrt(static_cast<double>(values.size()));
  return {mean(values) - half, mean(values) + half};
}

Interval bootstrap_interval(std::span<const double> values, uint32_t resamples, uint64_t seed) {
  if (values.size() < 2) return {kNothing, kNothing};
  Rng rng(seed, "bootstrap");
  std::vector<double> means;
  for (uint32_t i = 0; i < resamples; ++i) {
    double sum = 0;
    for (size_t k = 0; k < values.size(); ++k) sum += values[rng.below(values.size())];
    means.push_back(sum / static_cast<double>(values.size()));
  }
  std::sort(means.begin(), means.end());
  const auto at = [&](double share) {
    return means[static_cast<size_t>(share * static_cast<double>(means.size() - 1))];
  };
  return {at(0.025), at(0.975)};
}

double rank_correlation(std::span<const double> x, std::span<const double> y) {
  ATOLL_CHECK(x.size() == y.size(), "a correlation is of pairs");
  const auto a = ranks(x), b = ranks(y);
  const double middle_a = mean(a), middle_b = mean(b);
  double both = 0, own_a = 0, own_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - middle_a) * (b[i] - middle_b);
    own_a += (a[i] - middle_a) * (a[i] - middle_a);
    own_b += (b[i] - middle_b) * (b[i] - middle_b);
  }
  return own_a > 0 && own_b > 0 ? both / std::sqrt(own_a * own_b) : kNothing;
}

double separation(std::span<const double> x, const std::vector<bool>& positive) {
  ATOLL_CHECK(x.size() == positive.size(), "a value for every label");
  double wins = 0, pairs = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < x.size(); ++j) {
      if (!positive[i] || positive[j]) continue;
      ++pairs;
      wins += x[i] > x[j] ? 1 : x[i] == x[j] ? 0.5 : 0;
    }
  }
  return pairs > 0 ? wins / pairs : kNothing;
}

}  // namespace atl::study
