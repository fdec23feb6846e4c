// The two Dirichlet schemes over labels, which papers call by one name and which differ: by class
// (NIID-Bench) and by client (Hsu et al.).
#include <algorithm>
#include <numeric>

#include "experiments/data/schemes.h"

namespace atl::workbench {

using data::Dataset;
using data::Indices;

Result<Deal> deal_dirichlet(const PartitionSpec& spec, const Dataset& set) {
  const auto classes = indices_by_class(set);
  const double fair = static_cast<double>(set.size()) / spec.clients;
  const std::vector<double> alphas(spec.clients, spec.alpha);
  return repeat_until_enough(spec, set, [&](Rng& rng) {
    Deal deal(spec.clients);
    for (Indices items : classes) {
      if (items.empty()) continue;
      rng.shuffle(std::span(items));
      double open = 0;  // the mass of clients that still take examples
      std::vector<double> p;
      // A tiny alpha can put all mass, to the last bit, on clients that are full: draw again. Some
      // client is not full, or no class would be left.
      while (!(open > 0)) {
        p = draw_dirichlet(rng, alphas);
        for (size_t j = 0; j < p.size(); ++j)
          if (static_cast<double>(deal[j].size()) >= fair) p[j] = 0;
        open = std::accumulate(p.begin(), p.end(), 0.0);
      }
      for (double& value : p) value /= open;
      cut_by(p, items, deal);
    }
    return deal;
  });
}

namespace {

// A class drawn from q among those that still have examples.
size_t draw_class(Rng& rng, const std::vector<double>& q, const std::vector<Indices>& left) {
  double mass = 0;
  size_t rest = 0;
  for (size_t k = 0; k < q.size(); ++k) {
    if (left[k].empty()) continue;
    mass += q[k];
    rest += left[k].size();
  }
  // Where q has no mass left on any remaining class, they are equal but for their sizes.
  const bool by_size = !(mass > 0);
  double at = rng.uniform() * (by_size ? static_cast<double>(rest) : mass);
  size_t last = q.size();
  for (size_t k = 0; k < q.size(); ++k) {
    const double weight = by_size ? static_cast<double>(left[k].size()) : q[k];
    if (left[k].empty() || !(weight > 0)) continue;
    last = k;
    if (at < weight) break;
    at -= weight;
  }
  ATOLL_CHECK(last < q.size(), "examples are left");
  return last;
}

}  // namespace

Result<Deal> deal_dirichlet_client(const PartitionSpec& spec, const Dataset& set) {
  const auto classes = indices_by_class(set);
  ATOLL_CHECK(spec.clients > 0, "a partition has clients");
  std::vector<double> alphas;
  alphas.reserve(classes.size());
  for (const auto& items : classes)
    alphas.push_back(spec.alpha * static_cast<double>(items.size()) /
                     static_cast<double>(set.size()));
  return repeat_until_enough(spec, set, [&](Rng& rng) {
    auto left = classes;
    for (auto& items : left) rng.shuffle(std::span(items));
    std::vector<std::vector<double>> mixtures;
    for (uint32_t j = 0; j < spec.clients; ++j) mixtures.push_back(draw_dirichlet(rng, alphas));
    Deal deal(spec.clients);
    for (size_t i = 0; i < set.size(); ++i) {
      const size_t j = i % mixtures.size();
      auto& items = left[draw_class(rng, mixtures[j], left)];
      deal[j].push_back(items.back());
      items.pop_back();
    }
    return deal;
  });
}

}  // namespace atl::workbench
