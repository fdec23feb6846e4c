#include "experiments/fl_normalization/metrics/bookkeeping.h"

#include <cmath>
#include <limits>

#include "common/core/check.h"
#include "experiments/fl_normalization/metrics/moments.h"
#include "experiments/fl_normalization/metrics/norm_track.h"

namespace atl::study {
namespace {

// Mean over pairs of clients and over channels of gap(k, j, c).
template <typename Gap>
double mean_gap_of_pairs(Clients clients, Gap gap) {
  double sum = 0;
  size_t terms = 0;
  for (size_t k = 0; k < clients.size(); ++k) {
    for (size_t j = k + 1; j < clients.size(); ++j) {
      for (size_t c = 0; c < clients[k].mean.size(); ++c, ++terms) sum += gap(k, j, c);
    }
  }
  return terms == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(terms);
}

}  // namespace

double running_mean_gap(Clients clients) {
  return mean_gap_of_pairs(clients, [&](size_t k, size_t j, size_t c) {
    double variance = 0;
    for (const auto& client : clients) variance += client.variance[c];
    variance /= static_cast<double>(clients.size());
    return std::abs(clients[k].mean[c] - clients[j].mean[c]) / std::sqrt(variance + kVarianceFloor);
  });
}

double running_variance_gap(Clients clients) {
  return mean_gap_of_pairs(clients, [&](size_t k, size_t j, size_t c) {
    return std::abs(std::log(clients[k].variance[c] + kVarianceFloor) -
                    std::log(clients[j].variance[c] + kVarianceFloor));
  });
}

double mismatch(const ChannelStatistics& stored, const ChannelStatistics& seen) {
  ATOLL_CHECK(stored.mean.size() == seen.mean.size() && !seen.mean.empty(),
              "statistics of the same channels");
  double sum = 0;
  for (size_t c = 0; c < seen.mean.size(); ++c)
    sum += std::abs(stored.mean[c] - seen.mean[c]) / std::sqrt(seen.variance[c] + kVarianceFloor);
  return sum / static_cast<double>(seen.mean.size());
}

ChannelStatistics running_statistics(const Manifest& manifest, ByteView flat,
                                     const std::string& site) {
  ChannelStatistics out;
  const auto* mean = manifest.find(site + ".running_mean");
  const auto* variance = manifest.find(site + ".running_var");
  if (mean == nullptr || variance == nullptr) return out;
  for (const size_t c : measured_channels(site, mean->elements)) {
    out.mean.push_back(static_cast<double>(floats(flat, *mean)[c]));
    out.variance.push_back(static_cast<double>(floats(flat, *variance)[c]));
  }
  return out;
}

}  // namespace atl::study
