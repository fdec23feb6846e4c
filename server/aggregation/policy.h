// What happens to a tensor of each role when updates are combined.
#pragma once

#include <string>

#include "common/core/result.h"
#include "common/tensor/manifest.h"

namespace atl::server {

enum class Treatment {
  kMean,       // the aggregation rule
  kPooledVar,  // running variance: moments are pooled with the running mean of the same slot, so
               // that the between-client term is kept: rv = sum p (rv_k + rm_k^2) - rm^2
  kMax,        // integers: the largest
  kKeep,       // the server's own value stays
};

// Policies: "all" averages every floating-point tensor (the naive baseline); "pooled" pools running
// variances. Counters take the maximum under both; other integer tensors stay as they are.
class Policy {
 public:
  // kModel when, under "pooled", a running variance is not F32 or has no running mean of the same
  // slot, shape and type.
  static Result<Policy> make(const std::string& name, const Manifest& manifest);

  Treatment treatment(size_t tensor) const { return treatments_[tensor]; }
  // For a kPooledVar tensor: the index of its running mean.
  size_t mean_of(size_t tensor) const { return means_[tensor]; }

 private:
  std::vector<Treatment> treatments_;
  std::vector<size_t> means_;
};

}  // namespace atl::server
