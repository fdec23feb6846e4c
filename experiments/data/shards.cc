// The schemes that cut the examples, sorted by label, into shards.
#include <algorithm>

#include "experiments/data/schemes.h"

namespace atl::workbench {

using data::Dataset;
using data::Indices;

namespace {

// The examples sorted by label, then by index, and where each shard of them begins and ends.
struct Shards {
  Indices sorted;
  std::vector<size_t> begins;
  Indices order;  // of dealing: client j has shards order[j s] ... order[j s + s - 1]

  std::span<const uint32_t> shard(size_t place) const {
    const size_t i = order[place];
    return std::span(sorted).subspan(begins[i], begins[i + 1] - begins[i]);
  }
};

Result<Shards> cut(const PartitionSpec& spec, const Dataset& set, Rng& rng) {
  const size_t count = size_t{spec.clients} * spec.shards_per_client;
  if (count > set.size())
    return Error(ErrorCode::kData, std::to_string(count) + " shards cannot be cut from " +
                                       std::to_string(set.size()) + " examples")
        .hint("fewer clients or a smaller shards_per_client");
  Shards shards;
  shards.sorted = all_indices(set.size());
  std::stable_sort(shards.sorted.begin(), shards.sorted.end(),
                   [&](uint32_t a, uint32_t b) { return set.labels[a] < set.labels[b]; });
  shards.begins = {0};
  for (size_t i = 0; i < count; ++i)
    shards.begins.push_back(shards.begins.back() + even_size(set.size(), count, i));
  shards.order = all_indices(count);
  rng.shuffle(std::span(shards.order));
  return shards;
}

Deal deal(const PartitionSpec& spec, const Shards& shards) {
  Deal deal(spec.clients);
  for (size_t i = 0; i < shards.order.size(); ++i) {
    auto& share = deal[i / spec.shards_per_client];
    const auto items = shards.shard(i);
    share.insert(share.end(), items.begin(), items.end());
  }
  return deal;
}

// Exchanges shards until no client has one class in two of them.
class Parting {
 public:
  Parting(const Dataset& set, size_t per_client, Shards& shards)
      : set_(set), per_client_(per_client), shards_(shards) {}

  Status run(Rng& rng) {
    const size_t places = shards_.order.size();
    for (size_t sweep = 0; sweep < kSweeps; ++sweep) {
      bool clean = true;
      for (size_t a = 0; a < places; ++a) {
        if (!clashes(a)) continue;
        clean = false;
        const auto b = static_cast<size_t>(rng.below(places));
        std::swap(shards_.order[a], shards_.order[b]);
        // Better for the one, no worse for the other.
        if (clashes(a) || clashes(b)) std::swap(shards_.order[a], shards_.order[b]);
      }
      if (clean) return {};
    }
    return Error(ErrorCode::kData, "found no way to give every client " +
                                       std::to_string(per_client_) +
                                       " shards without a class in common")
        .hint("a smaller shards_per_client, or scheme = \"shards\"");
  }

 private:
  static constexpr size_t kSweeps = 10'000;

  bool clashes(size_t place) const {
    const size_t client = place / per_client_;
    for (size_t other = client * per_client_; other < (client + 1) * per_client_; ++other) {
      if (other == place) continue;
      const auto [low, high] = labels(place);
      const auto [other_low, other_high] = labels(other);
      if (low <= other_high && other_low <= high) return true;
    }
    return false;
  }
  // A shard's labels are an interval, because the examples are sorted.
  std::pair<uint32_t, uint32_t> labels(size_t place) const {
    const auto items = shards_.shard(place);
    return {set_.labels[items.front()], set_.labels[items.back()]};
  }

  const Dataset& set_;
  size_t per_client_;
  Shards& shards_;
};

}  // namespace

Result<Deal> deal_shards(const PartitionSpec& spec, const Dataset& set) {
  Rng rng = partition_rng(spec, 0);
  ATOLL_ASSIGN(const auto shards, cut(spec, set, rng));
  return deal(spec, shards);
}

Result<Deal> deal_distinct_shards(const PartitionSpec& spec, const Dataset& set) {
  Rng rng = partition_rng(spec, 0);
  ATOLL_ASSIGN(auto shards, cut(spec, set, rng));
  ATOLL_TRY(Parting(set, spec.shards_per_client, shards).run(rng));
  return deal(spec, shards);
}

}  // namespace atl::workbench
