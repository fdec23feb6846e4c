#include "experiments/fl_normalization/metrics/contribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/core/check.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double median(std::vector<double> values) {
  const size_t half = values.size() / 2;
  std::sort(values.begin(), values.end());
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Raises each client's `field` to its norm over the median one. A tensor that most clients leave at
// zero has no scale to compare with.
void raise(std::vector<Contribution>& clients, const std::vector<double>& norms,
           double Contribution::*field) {
  const double middle = median(norms);
  if (middle <= 0) return;
  for (size_t k = 0; k < clients.size(); ++k)
    clients[k].*field = std::max(clients[k].*field, norms[k] / middle);
}

}  // namespace

std::vector<Contribution> contributions(std::span<const TensorValues> tensors,
                                        std::span<const double> p) {
  const size_t count = p.size();
  std::vector<Contribution> out(count);
  std::vector<double> products(count), squares(count);  // <D_k, D>, |D_k|^2
  double whole = 0;                                     // |D|^2
  std::vector<double> delta(count);
  for (const auto& tensor : tensors) {
    ATOLL_CHECK(tensor.locals.size() == count, "every client has every tensor");
    std::vector<double> own(count), moved(count);
    for (size_t i = 0; i < tensor.before.size(); ++i) {
      double mean = 0;
      for (size_t k = 0; k < count; ++k) {
        const double value = static_cast<double>(tensor.locals[k][i]);
        delta[k] = value - static_cast<double>(tensor.before[i]);
        mean += p[k] * delta[k];
        own[k] += value * value;
        moved[k] += delta[k] * delta[k];
      }
      whole += mean * mean;
      for (size_t k = 0; k < count; ++k) products[k] += delta[k] * mean;
    }
    for (size_t k = 0; k < count; ++k) {
      squares[k] += moved[k];
      own[k] = std::sqrt(own[k]);
      moved[k] = std::sqrt(moved[k]);
    }
    if (!tensor.weight) continue;
    raise(out, own, &Contribution::nu_max);
    raise(out, moved, &Contribution::nu_delta_max);
  }
  for (size_t k = 0; k < count; ++k) {
    out[k].p = p[k];
    out[k].s = whole > 0 ? p[k] * products[k] / whole : p[k];
    out[k].cosine = whole > 0 && squares[k] > 0
                        ? products[k] / (std::sqrt(squares[k]) * std::sqrt(whole))
                        : kNothing;
  }
  return out;
}

double effective_contributors(std::span<const Contribution> clients) {
  double sum = 0, squares = 0;
  for (const auto& client : clients) {
    sum += std::abs(client.s);
    squares += client.s * client.s;
  }
  return squares > 0 ? sum * sum / squares : kNothing;
}

double obliteration_index(std::span<const Contribution> clients) {
  if (clients.empty()) return kNothing;
  const auto lost = std::count_if(clients.begin(), clients.end(),
                                  [](const Contribution& c) { return c.s < 0.1 * c.p; });
  return static_cast<double>(lost) / static_cast<double>(clients.size());
}

double ClassScore::accuracy(const std::vector<bool>& classes, bool held) const {
  uint64_t right = 0, all = 0;
  for (size_t c = 0; c < examples.size(); ++c) {
    if (classes[c] != held) continue;
    right += correct[c];
    all += examples[c];
  }
  return all == 0 ? kNothing : static_cast<double>(right) / static_cast<double>(all);
}

double ClassScore::accuracy() const { return accuracy(std::vector<bool>(examples.size(), true)); }

double retention(const ClassScore& global, const ClassScore& local,
                 const std::vector<bool>& classes) {
  return global.accuracy(classes) / std::max(local.accuracy(classes), 0.01);
}

double leave_one_out(const ClassScore& global, const ClassScore& without,
                     const std::vector<bool>& classes) {
  return global.accuracy(classes) - without.accuracy(classes);
}

double forgetting(const ClassScore& local, const ClassScore& before,
                  const std::vector<bool>& classes) {
  return local.accuracy(classes, false) - before.accuracy(classes, false);
}

}  // namespace atl::study
