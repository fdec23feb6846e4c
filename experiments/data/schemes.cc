#include "experiments/data/schemes.h"

#include <algorithm>
#include <numeric>

namespace atl::workbench {

using data::Dataset;
using data::Indices;

Rng partition_rng(const PartitionSpec& spec, uint64_t attempt) {
  return Rng(spec.seed, "partition", spec.scheme, attempt);
}

Indices all_indices(size_t count) {
  Indices indices(count);
  std::iota(indices.begin(), indices.end(), 0U);
  return indices;
}

std::vector<Indices> indices_by_class(const Dataset& set) {
  std::vector<Indices> classes(set.classes);
  for (size_t i = 0; i < set.size(); ++i)
    classes[set.labels[i]].push_back(static_cast<uint32_t>(i));
  return classes;
}

size_t even_size(size_t total, size_t parts, size_t i) {
  return total / parts + (i < total % parts ? 1 : 0);
}

std::vector<double> draw_dirichlet(Rng& rng, const std::vector<double>& alphas) {
  std::vector<double> p(alphas.size());
  double sum = 0;
  while (!(sum > 0)) {
    for (size_t i = 0; i < p.size(); ++i) p[i] = alphas[i] > 0 ? rng.gamma(alphas[i]) : 0;
    sum = std::accumulate(p.begin(), p.end(), 0.0);
  }
  for (double& value : p) value /= sum;
  return p;
}

void cut_by(const std::vector<double>& p, const Indices& items, Deal& deal) {
  double cumulated = 0;
  size_t begin = 0;
  for (size_t j = 0; j < p.size(); ++j) {
    cumulated += p[j];
    const auto cut = static_cast<size_t>(cumulated * static_cast<double>(items.size()));
    // The last cut takes what rounding left.
    const size_t end = j + 1 == p.size() ? items.size() : std::clamp(cut, begin, items.size());
    deal[j].insert(deal[j].end(), items.begin() + static_cast<ptrdiff_t>(begin),
                   items.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
  }
}

size_t smallest(const Deal& deal) {
  size_t least = SIZE_MAX;
  for (const auto& share : deal) least = std::min(least, share.size());
  return least;
}

Result<Deal> repeat_until_enough(const PartitionSpec& spec, const Dataset& set,
                                 const std::function<Deal(Rng&)>& draw) {
  for (uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
    Rng rng = partition_rng(spec, attempt);
    Deal deal = draw(rng);
    if (smallest(deal) >= spec.min_examples) return deal;
  }
  return Error(ErrorCode::kData, "no draw of " + std::to_string(kAttempts) + " gave every one of " +
                                     std::to_string(spec.clients) + " clients " +
                                     std::to_string(spec.min_examples) + " of the " +
                                     std::to_string(set.size()) + " examples")
      .hint("a larger alpha, fewer clients, or a smaller min_examples");
}

Result<Deal> deal_iid(const PartitionSpec& spec, const Dataset& set) {
  Rng rng = partition_rng(spec, 0);
  Indices order = all_indices(set.size());
  rng.shuffle(std::span(order));
  Deal deal(spec.clients);
  auto next = order.begin();
  for (size_t j = 0; j < deal.size(); ++j) {
    const auto end = next + static_cast<ptrdiff_t>(even_size(order.size(), deal.size(), j));
    deal[j].assign(next, end);
    next = end;
  }
  return deal;
}

Result<Deal> deal_quantity(const PartitionSpec& spec, const Dataset& set) {
  return repeat_until_enough(spec, set, [&](Rng& rng) {
    Indices order = all_indices(set.size());
    rng.shuffle(std::span(order));
    Deal deal(spec.clients);
    cut_by(draw_dirichlet(rng, std::vector<double>(spec.clients, spec.alpha)), order, deal);
    return deal;
  });
}

}  // namespace atl::workbench
