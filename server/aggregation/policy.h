// What happens to a tensor of each role when updates are combined.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/core/result.h"
#include "common/tensor/manifest.h"
#include "common/wire/task.h"

namespace atl::server {

enum class Treatment {
  kMean,       // the aggregation rule
  kPooledVar,  // running variance: moments are pooled with the running mean of the same slot, so
               // that the between-client term is kept: rv = sum p (rv_k + rm_k^2) - rm^2
  kMax,        // integers: the largest
  kKeep,       // the server's own value stays
};

// Policies, by what happens to a normalization's tensors. Everything else is averaged, counters
// take the maximum, other integer tensors stay as they are.
//
//   all          averages everything (the naive baseline)
//   pooled       pools running variances with their means
//   affine_only  running statistics begin every round anew at the clients and are not aggregated
//   silobn       running statistics (and hbn's mix) are each client's own from round to round
//                (SiloBN, Andreux et al. 2020, arXiv 2008.07424)
//   fedbn        gamma and beta too (FedBN, Li et al. 2021, arXiv 2102.07623)
//   fixbn        as all, until the statistics are fixed (FixBN, Zhong et al., arXiv 2303.06530)
//   hbn          as pooled, with hbn's mix each client's own (arXiv 2505.21877)
//   fedper       as pooled, with the head each client's own (FedPer, Arivazhagan et al. 2019,
//                arXiv 1912.00818)
//
// A policy for tensors that a model does not have changes nothing.
inline constexpr std::array<std::string_view, 8> kPolicies = {
    "all", "pooled", "affine_only", "silobn", "fedbn", "fixbn", "hbn", "fedper"};

// fixbn: whether the round (from 1) is one of the second phase, which begins behind `fix_after`, or
// behind half of the rounds where that is 0. Else false.
bool statistics_are_fixed(const std::string& policy, uint32_t fix_after, uint32_t round,
                          uint32_t total_rounds);

// What the policy asks of the clients in a round.
wire::RoleRules rules_for_clients(const std::string& policy, bool fixed);

class Policy {
 public:
  // Tensors that rules_for_clients() sets apart are kept, whatever a client uploads for them.
  // kConfig on an unknown name. kModel when a running variance that is to be pooled is not F32 or
  // has no running mean of the same slot, shape and type.
  static Result<Policy> make(const std::string& name, const Manifest& manifest, bool fixed = false);

  Treatment treatment(size_t tensor) const { return treatments_[tensor]; }
  // For a kPooledVar tensor: the index of its running mean.
  size_t mean_of(size_t tensor) const { return means_[tensor]; }

 private:
  std::vector<Treatment> treatments_;
  std::vector<size_t> means_;
};

}  // namespace atl::server
