#include "experiments/fl_normalization/metrics/divergence.h"

#include <cmath>
#include <functional>
#include <limits>

#include "common/core/check.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

size_t channels_of(Clients clients) {
  const size_t channels = clients[0].mean.size();
  for (const auto& client : clients)
    ATOLL_CHECK(client.mean.size() == channels && client.variance.size() == channels,
                "all clients have measured the same channels");
  return channels;
}

double deviation(Clients clients, const std::function<double(const ChannelStatistics&)>& of) {
  double sum = 0, squares = 0;
  const double k = static_cast<double>(clients.size());
  for (const auto& client : clients) sum += of(client);
  for (const auto& client : clients) squares += std::pow(of(client) - sum / k, 2);
  return std::sqrt(squares / k);
}

double mean_variance(Clients clients, size_t c) {
  double sum = 0;
  for (const auto& client : clients) sum += client.variance[c];
  return sum / static_cast<double>(clients.size());
}

double mean_over_channels(Clients clients, const std::function<double(size_t)>& of) {
  if (clients.size() < 2) return kNothing;
  const size_t channels = channels_of(clients);
  double sum = 0;
  for (size_t c = 0; c < channels; ++c) sum += of(c);
  return channels == 0 ? kNothing : sum / static_cast<double>(channels);
}

using OfPair = std::function<double(double m, double v, double other_m, double other_v)>;
double mean_over_pairs(Clients clients, size_t c, const OfPair& of) {
  double sum = 0;
  size_t pairs = 0;
  for (size_t k = 0; k < clients.size(); ++k) {
    for (size_t j = k + 1; j < clients.size(); ++j, ++pairs)
      sum += of(clients[k].mean[c], clients[k].variance[c], clients[j].mean[c],
                clients[j].variance[c]);
  }
  return sum / static_cast<double>(pairs);
}

}  // namespace

double mean_gap(Clients clients) {
  return mean_over_channels(clients, [&](size_t c) {
    return deviation(clients, [c](const auto& client) { return client.mean[c]; }) /
           std::sqrt(mean_variance(clients, c) + kVarianceFloor);
  });
}

double scale_gap(Clients clients) {
  return mean_over_channels(clients, [&](size_t c) {
    return deviation(clients, [c](const auto& client) {
      return 0.5 * std::log(client.variance[c] + kVarianceFloor);
    });
  });
}

double wasserstein2(Clients clients) {
  return mean_over_channels(clients, [&](size_t c) {
    const auto squared = [](double m, double v, double other_m, double other_v) {
      return std::pow(m - other_m, 2) + std::pow(std::sqrt(v) - std::sqrt(other_v), 2);
    };
    return mean_over_pairs(clients, c, squared) / (mean_variance(clients, c) + kVarianceFloor);
  });
}

double symmetric_kl(Clients clients) {
  return mean_over_channels(clients, [&](size_t c) {
    return mean_over_pairs(clients, c, [](double m, double v, double other_m, double other_v) {
      const double a = v + kVarianceFloor, b = other_v + kVarianceFloor;
      return (a / b + b / a - 2 + std::pow(m - other_m, 2) * (1 / a + 1 / b)) / 4;
    });
  });
}

double linear_cka(std::span<const Gram> clients) {
  if (clients.size() < 2) return kNothing;
  const auto product = [](const Gram& a, const Gram& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  std::vector<double> norms;
  for (const auto& gram : clients) norms.push_back(std::sqrt(product(gram, gram)));
  double sum = 0;
  size_t pairs = 0;
  for (size_t k = 0; k < clients.size(); ++k) {
    for (size_t j = k + 1; j < clients.size(); ++j, ++pairs) {
      if (norms[k] == 0 || norms[j] == 0)
        sum += norms[k] == norms[j] ? 1 : 0;
      else
        sum += product(clients[k], clients[j]) / (norms[k] * norms[j]);
    }
  }
  return sum / static_cast<double>(pairs);
}

}  // namespace atl::study
