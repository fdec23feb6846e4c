// AggregationRule: how the clients' values of one slice of the model become one. One file a rule.
//
// The reducer (reducer.h) goes through the model slice by slice, so a rule holds one slice and
// never the model. A rule is associative by construction: accumulate and merge in any order or
// grouping give the same bits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/core/result.h"

namespace atl::server {

class AggregationRule {
 public:
  virtual ~AggregationRule() = default;
  virtual void init(size_t elements) = 0;
  // Values are finite and within ExactSum::kRange; weight >= 1.
  virtual void accumulate(uint64_t weight, std::span<const float> values) = 0;
  virtual void accumulate(uint64_t weight, std::span<const double> values) = 0;
  virtual void merge(const AggregationRule& other) = 0;  // of the same kind and size
  virtual void finish(std::span<float> out) const = 0;
  virtual void finish(std::span<double> out) const = 0;
};

// kConfig with the known names when there is no such rule.
Result<std::unique_ptr<AggregationRule>> make_rule(const std::string& name);

}  // namespace atl::server
