// The schemes that hand out whole groups: labels-per-client and by-column.
#include <algorithm>
#include <set>

#include "experiments/data/schemes.h"

namespace atl::workbench {

using data::Dataset;
using data::Indices;

Result<Deal> deal_labels(const PartitionSpec& spec, const Dataset& set) {
  const uint32_t classes = set.classes, wanted = spec.labels_per_client;
  if (wanted == 0 || wanted > classes)
    return Error(ErrorCode::kConfig, "labels_per_client is " + std::to_string(wanted) +
                                         ", but the set has " + std::to_string(classes) +
                                         " classes")
        .hint("labels_per_client from 1 to " + std::to_string(classes));
  Rng rng = partition_rng(spec, 0);
  std::vector<std::vector<uint32_t>> holders(classes);
  for (uint32_t j = 0; j < spec.clients; ++j) {
    std::set<uint32_t> held{j % classes};
    while (held.size() < wanted) held.insert(static_cast<uint32_t>(rng.below(classes)));
    for (const uint32_t k : held) holders[k].push_back(j);
  }
  Deal deal(spec.clients);
  auto items_of = indices_by_class(set);
  for (uint32_t k = 0; k < classes; ++k) {
    auto& items = items_of[k];
    if (items.empty()) continue;
    if (holders[k].empty())
      return Error(ErrorCode::kData, "nobody holds class " + std::to_string(k) + ": " +
                                         std::to_string(spec.clients) + " clients with " +
                                         std::to_string(wanted) + " labels each do not cover " +
                                         std::to_string(classes) + " classes")
          .hint("more clients, a larger labels_per_client, or another seed");
    rng.shuffle(std::span(items));
    auto next = items.begin();
    for (size_t h = 0; h < holders[k].size(); ++h) {
      const auto end = next + static_cast<ptrdiff_t>(even_size(items.size(), holders[k].size(), h));
      auto& share = deal[holders[k][h]];
      share.insert(share.end(), next, end);
      next = end;
    }
  }
  return deal;
}

Result<Deal> deal_by_column(const PartitionSpec& spec, const Dataset& set) {
  std::string known;
  const data::Column* column = nullptr;
  for (const auto& candidate : set.columns) {
    known += (known.empty() ? "" : ", ") + candidate.name;
    if (candidate.name == spec.column) column = &candidate;
  }
  if (set.columns.empty())
    return Error(ErrorCode::kData, "the set " + set.name + " has no columns to group by")
        .hint("by-column is for tables; take scheme = \"dirichlet\" for images");
  if (column == nullptr)
    return Error(ErrorCode::kConfig, spec.column.empty()
                                         ? "by-column wants a column"
                                         : "there is no column \"" + spec.column + "\" to group by")
        .hint("column = one of: " + known + " (a numeric one: group = [\"NAME\"] in [data])");
  std::vector<Indices> groups(column->values.size());
  for (size_t i = 0; i < set.size(); ++i)
    groups[column->codes[i]].push_back(static_cast<uint32_t>(i));
  std::erase_if(groups, [](const Indices& group) { return group.empty(); });
  if (spec.clients == 0) return groups;
  if (spec.clients > groups.size())
    return Error(ErrorCode::kData, "column \"" + column->name + "\" has " +
                                       std::to_string(groups.size()) + " values, too few for " +
                                       std::to_string(spec.clients) + " clients")
        .hint("clients = " + std::to_string(groups.size()) + " or fewer");
  Rng rng = partition_rng(spec, 0);
  rng.shuffle(std::span(groups));
  Deal deal(spec.clients);
  for (size_t g = 0; g < groups.size(); ++g) {
    auto& share = deal[g % deal.size()];
    share.insert(share.end(), groups[g].begin(), groups[g].end());
  }
  return deal;
}

}  // namespace atl::workbench
