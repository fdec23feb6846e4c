// Jensen-Shannon divergence between the histograms of the clients' features (divergence.h).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "common/core/check.h"
#include "experiments/fl_normalization/metrics/divergence.h"

namespace atl::study {
namespace {

constexpr size_t kBins = 64;
constexpr double kTail = 0.001;
using Histogram = std::array<double, kBins>;

// The value of rank `share` of the pooled values; reorders them.
float quantile(std::vector<float>& pooled, double share) {
  const auto rank =
      static_cast<ptrdiff_t>(std::lround(share * static_cast<double>(pooled.size() - 1)));
  std::nth_element(pooled.begin(), pooled.begin() + rank, pooled.end());
  return pooled[static_cast<size_t>(rank)];
}

Histogram histogram(const std::vector<float>& values, float low, float high) {
  Histogram bins{};
  const double width = (static_cast<double>(high) - static_cast<double>(low)) / kBins;
  for (const float value : values) {
    const double at = width > 0 ? (static_cast<double>(value) - static_cast<double>(low)) / width
                                : (value > high ? kBins - 1 : 0);
    const auto bin = static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(kBins - 1)));
    bins[bin] += 1 / static_cast<double>(values.size());
  }
  return bins;
}

// sum p log2(p / q) over the bins that p has
double divergence(const Histogram& p, const Histogram& q) {
  double sum = 0;
  for (size_t b = 0; b < kBins; ++b) {
    if (p[b] > 0) sum += p[b] * std::log2(p[b] / q[b]);
  }
  return sum;
}

double jensen_shannon(const Histogram& p, const Histogram& q) {
  Histogram middle{};
  for (size_t b = 0; b < kBins; ++b) middle[b] = (p[b] + q[b]) / 2;
  return std::max(0.0, (divergence(p, middle) + divergence(q, middle)) / 2);
}

}  // namespace

double histogram_js(std::span<const ChannelValues> clients) {
  if (clients.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const size_t channels = clients[0].size();
  double sum = 0;
  size_t terms = 0;
  for (size_t c = 0; c < channels; ++c) {
    std::vector<float> pooled;
    for (const auto& client : clients) {
      ATOLL_CHECK(client.size() == channels && !client[c].empty(),
                  "every client has values of every channel");
      pooled.insert(pooled.end(), client[c].begin(), client[c].end());
    }
    const float low = quantile(pooled, kTail), high = quantile(pooled, 1 - kTail);
    std::vector<Histogram> histograms;
    Histogram mean{};
    for (const auto& client : clients) {
      histograms.push_back(histogram(client[c], low, high));
      for (size_t b = 0; b < kBins; ++b)
        mean[b] += histograms.back()[b] / static_cast<double>(clients.size());
    }
    for (const auto& own : histograms) {
      sum += jensen_shannon(own, mean);
      ++terms;
    }
  }
  return sum / static_cast<double>(terms);
}

}  // namespace atl::study
