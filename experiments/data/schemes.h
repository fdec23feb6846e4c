// The partition schemes, one function each. n examples, N clients, K classes, n_k examples of class
// k. Each deals out every example of the training part once. Where a draw leaves a client with
// fewer than min_examples, the whole draw is repeated with the next random stream, kAttempts times
// at most.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/data/dataset.h"
#include "common/core/result.h"
#include "common/core/rng.h"
#include "experiments/data/partition.h"

namespace atl::workbench {

using Deal = std::vector<data::Indices>;  // per client

// iid: a random order, cut into N parts whose sizes differ by one at most.
Result<Deal> deal_iid(const PartitionSpec& spec, const data::Dataset& set);

// dirichlet (dir_class): for each class k, p ~ Dirichlet(alpha 1_N); p_j = 0 for clients that hold
// n/N examples already; p is renormalised and the shuffled class is cut at floor(n_k cumsum(p)).
// NIID-Bench (Li et al., ICDE 2022, section IV-A), after FedMA (Wang et al., ICLR 2020).
Result<Deal> deal_dirichlet(const PartitionSpec& spec, const data::Dataset& set);

// dirichlet-client (dir_client): each client draws a class mixture q ~ Dirichlet(alpha pi), pi the
// class fractions of the set, and takes n/N examples (sizes differ by one at most), each of a class
// drawn from q, without replacement; classes that are used up drop out and q is renormalised.
// Clients take turns one example at a time, so that none is left with the rest. Hsu, Qi, Brown
// 2019, "Measuring the Effects of Non-Identical Data Distribution", section 3.
Result<Deal> deal_dirichlet_client(const PartitionSpec& spec, const data::Dataset& set);

// shards: examples sorted by label (then by index), cut into N s shards whose sizes differ by one
// at most; every client gets s random ones. A shard may straddle two classes. McMahan et al.,
// AISTATS 2017, section 3 (s = 2).
Result<Deal> deal_shards(const PartitionSpec& spec, const data::Dataset& set);

// distinct-shards: as shards, but no client has two shards with a class in common: while one does,
// one of the two is exchanged for a random other client's, if both are then better off. With as
// many shards of a class as there are, every client holds exactly s classes, all clients equally
// many examples (to one). Du et al. 2022, arXiv 2210.03277 (two classes per device).
Result<Deal> deal_distinct_shards(const PartitionSpec& spec, const data::Dataset& set);

// quantity: sizes from p ~ Dirichlet(alpha 1_N): a random order cut at floor(n cumsum(p)). Labels
// are iid. NIID-Bench, section IV-A (quantity skew).
Result<Deal> deal_quantity(const PartitionSpec& spec, const data::Dataset& set);

// labels-per-client: client i gets class i mod K and c - 1 other classes at random; each class,
// shuffled, is cut evenly among its holders. A class that nobody holds is an error. NIID-Bench,
// section IV-A (#C = c).
Result<Deal> deal_labels(const PartitionSpec& spec, const data::Dataset& set);

// by-column: natural groups, the values of a column of a table. clients = 0: one client for each
// value that the training part has, in sorted order of values. Otherwise the values, shuffled, are
// dealt to the clients in turn, so that all rows of one value stay together.
Result<Deal> deal_by_column(const PartitionSpec& spec, const data::Dataset& set);

// -- what they share ------------------------------------------------------------------------------

inline constexpr uint32_t kAttempts = 1000;

Rng partition_rng(const PartitionSpec& spec, uint64_t attempt);
data::Indices all_indices(size_t count);
// Per class, ascending.
std::vector<data::Indices> indices_by_class(const data::Dataset& set);
// The size of part `i` of `parts` of `total` items: the first total % parts have one more.
size_t even_size(size_t total, size_t parts, size_t i);
// p ~ Dirichlet(alpha_0, ...): gammas, normalised. Redrawn where all of them round to zero.
std::vector<double> draw_dirichlet(Rng& rng, const std::vector<double>& alphas);
// Appends items to each client's list, cut at floor(items cumsum(p)).
void cut_by(const std::vector<double>& p, const data::Indices& items, Deal& deal);
// Repeats `draw` until every client has min_examples.
Result<Deal> repeat_until_enough(const PartitionSpec& spec, const data::Dataset& set,
                                 const std::function<Deal(Rng&)>& draw);
size_t smallest(const Deal& deal);

}  // namespace atl::workbench
