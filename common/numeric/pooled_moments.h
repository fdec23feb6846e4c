// Moment-correct pooling of running means and variances: what BatchNorm would have seen on
// everyone's data together.
//
//   rm = sum_k p_k rm_k          rv = sum_k p_k (rv_k + rm_k^2) - rm^2          p_k = n_k / sum_j
//   n_j
//
// Averaging rv_k alone drops the variance between clients. Built on ExactSum, so the order of
// clients cannot matter. The variances and the squares of the means are summed apart: a square of a
// float is exact in double, so clients that agree on the mean give back the mean of their
// variances, however small it is beside the squared mean.
#pragma once

#include <span>

#include "common/numeric/exact_sum.h"

namespace atl {

class PooledMoments {
 public:
  static constexpr double kMeanRange = 524288.0;            // 2^19: |mean| must be below
  static constexpr double kVarianceRange = 274877906944.0;  // 2^38: |variance| must be below

  explicit PooledMoments(size_t elements)
      : mean_(elements), square_(elements), variance_(elements) {}
  // Values are finite and within the ranges above; weight >= 1.
  void add(uint64_t weight, std::span<const float> mean, std::span<const float> variance);
  void merge(const PooledMoments& other);
  // Rounded once to float; a variance that rounding would make negative becomes 0.
  void finish(std::span<float> mean, std::span<float> variance) const;

 private:
  ExactSum mean_;
  ExactSum square_;    // rm_k^2
  ExactSum variance_;  // rv_k
};

}  // namespace atl
