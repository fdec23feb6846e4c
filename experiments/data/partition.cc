#include "experiments/data/partition.h"

#include <algorithm>
#include <array>

#include "common/core/hash.h"
#include "experiments/data/schemes.h"

namespace atl::workbench {
namespace {

using data::Dataset;

// Below, nearly all gamma variates round to zero, and redrawing them would take for ever.
constexpr double kMinAlpha = 1e-4, kMaxAlpha = 1e9;

struct Scheme {
  const char* name;
  Result<Deal> (*deal)(const PartitionSpec&, const Dataset&);
};
constexpr std::array kSchemes{
    Scheme{"iid", deal_iid},
    Scheme{"dirichlet", deal_dirichlet},
    Scheme{"dirichlet-client", deal_dirichlet_client},
    Scheme{"shards", deal_shards},
    Scheme{"distinct-shards", deal_distinct_shards},
    Scheme{"quantity", deal_quantity},
    Scheme{"labels-per-client", deal_labels},
    Scheme{"by-column", deal_by_column},
};

Status check(const PartitionSpec& spec, const Dataset& train) {
  auto wrong = [](const std::string& why, const std::string& next) {
    return Error(ErrorCode::kConfig, why).hint(next);
  };
  if (spec.clients == 0 && spec.scheme != "by-column")
    return wrong("a partition over 0 clients", "clients = 10 in [partition]");
  if (!(spec.alpha >= kMinAlpha && spec.alpha <= kMaxAlpha))
    return wrong("alpha must lie between 0.0001 and 1e9", "alpha = 0.5 in [partition]");
  if (spec.shards_per_client == 0)
    return wrong("shards_per_client must be at least 1", "shards_per_client = 2 in [partition]");
  if (spec.test != "split" && spec.test != "whole")
    return wrong("test = \"" + spec.test + "\" is not known", "test = \"split\" or \"whole\"");
  if (uint64_t{spec.clients} * spec.min_examples > train.size())
    return Error(ErrorCode::kData, std::to_string(spec.clients) + " clients with at least " +
                                       std::to_string(spec.min_examples) +
                                       " examples each need more than the " +
                                       std::to_string(train.size()) + " that there are")
        .hint("fewer clients or a smaller min_examples");
  return {};
}

std::string client_name(size_t i, size_t clients) {
  const std::string number = std::to_string(i + 1);
  const size_t width = std::to_string(clients).size();
  return "client-" + std::string(width - number.size(), '0') + number;
}

void deal_test(const PartitionSpec& spec, const Dataset& test, std::vector<Share>& shares) {
  auto order = all_indices(test.size());
  Rng(spec.seed, "partition", "test").shuffle(std::span(order));
  auto next = order.begin();
  for (size_t j = 0; j < shares.size(); ++j) {
    const auto end = next + static_cast<ptrdiff_t>(even_size(order.size(), shares.size(), j));
    shares[j].test.assign(next, end);
    std::sort(shares[j].test.begin(), shares[j].test.end());
    next = end;
  }
}

// A scheme that loses or repeats an example is a bug; it would bias every result in silence.
void check_complete(const Deal& deal, size_t examples) {
  std::vector<bool> seen(examples);
  size_t count = 0;
  for (const auto& share : deal) {
    for (const uint32_t index : share) {
      ATOLL_CHECK(index < examples && !seen[index], "a partition's shares are disjoint");
      seen[index] = true;
      ++count;
    }
  }
  ATOLL_CHECK(count == examples, "a partition's shares are complete");
}

}  // namespace

std::vector<std::string> scheme_names() {
  std::vector<std::string> names;
  names.reserve(std::size(kSchemes));
  for (const auto& scheme : kSchemes) names.emplace_back(scheme.name);
  return names;
}

std::string canonical_text(const std::vector<Share>& shares) {
  std::string text;
  for (const auto& share : shares) {
    for (const auto& [part, indices] :
         {std::pair(" train", &share.train), std::pair(" test", &share.test)}) {
      text += share.name + part;
      for (const uint32_t index : *indices) text += ' ' + std::to_string(index);
      text += '\n';
    }
  }
  return text;
}

PartitionSpec read_partition_spec(config::Table table, uint64_t run_seed) {
  PartitionSpec spec;
  spec.seed = run_seed;
  table.read_choice("scheme", spec.scheme, scheme_names());
  const bool natural = spec.scheme == "by-column";
  if (natural) spec.clients = 0;
  table.read("clients", spec.clients, {.min = natural ? 0.0 : 1.0});
  table.read("alpha", spec.alpha, {.min = kMinAlpha, .max = kMaxAlpha});
  table.read("shards_per_client", spec.shards_per_client, {.min = 1});
  table.read("labels_per_client", spec.labels_per_client, {.min = 1});
  table.read("min_examples", spec.min_examples);
  table.read("column", spec.column);
  table.read("seed", spec.seed);
  table.read_choice("test", spec.test, {"split", "whole"});
  if (natural && spec.column.empty())
    table.fail("column", "is wanted by scheme = \"by-column\": the column that names the groups");
  return spec;
}

Result<Partition> make_partition(const PartitionSpec& spec, const data::DataSplits& splits) {
  const auto& train = *splits.train;
  ATOLL_TRY(check(spec, train));
  const auto scheme = std::find_if(kSchemes.begin(), kSchemes.end(),
                                   [&](const Scheme& s) { return spec.scheme == s.name; });
  if (scheme == kSchemes.end()) {
    std::string known;
    for (const auto& name : scheme_names()) known += (known.empty() ? "" : ", ") + name;
    return Error(ErrorCode::kConfig, "no partition scheme is named \"" + spec.scheme + "\"")
        .hint("one of: " + known);
  }
  auto dealt = scheme->deal(spec, train);
  if (!dealt)
    return std::move(dealt).error().wrap("cannot partition " + train.name + " by " + spec.scheme);
  Deal deal = std::move(dealt).value();
  check_complete(deal, train.size());
  if (smallest(deal) < spec.min_examples)
    return Error(ErrorCode::kData, "a client would hold " + std::to_string(smallest(deal)) +
                                       " training examples, fewer than min_examples = " +
                                       std::to_string(spec.min_examples))
        .hint("min_examples = " + std::to_string(smallest(deal)) + ", or fewer clients");
  Partition partition;
  for (size_t j = 0; j < deal.size(); ++j) {
    std::sort(deal[j].begin(), deal[j].end());
    partition.shares.push_back({client_name(j, deal.size()), std::move(deal[j]), {}});
  }
  if (spec.test == "split") deal_test(spec, *splits.test, partition.shares);
  partition.sha256 = hex(sha256(as_bytes(canonical_text(partition.shares))));
  return partition;
}

}  // namespace atl::workbench
