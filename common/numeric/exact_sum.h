// A weighted sum of floating-point vectors that does not depend on the order of its terms.
//
// Each term w * x (w an integer >= 1, x a finite double with |x| < 2^40) is added in fixed point
// with a grid of 2^-80. x is cut into four signed digits, x ~ sum_i d_i 2^(30 i - 80), |d_i| <=
// 2^30, and each digit, times w, is added to a 64-bit integer of its own ("limb"). Integer addition
// is associative, so arrival order, threads and the shape of a merge tree cannot change one bit.
// While the total weight stays below 2^32 no limb can overflow (30 + 32 + sign < 64).
//
// Bound. A term is rounded to the grid once: error <= 2^-81 each, nothing when x is a multiple of
// 2^-80, as every float32 with |x| >= 2^-57 is. The mean sum(w x) / sum(w) is rounded once to
// double (relative 2^-52) and once to the type asked for: float32 means of float32 values are
// within 0.5000001 units in the last place of the exact mean for |mean| >= 2^-40; the mean of equal
// values that lie on the grid is that value, bit for bit, for any number of terms.
//
// Memory: 32 bytes an element, which is why callers reduce a model slice by slice and never hold it
// whole.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/core/result.h"

namespace atl {

// Whose instructions a loop uses, from those that every processor has to the widest.
enum class Registers { kPlain, kAvx2, kAvx512 };
Registers widest_registers();  // of this processor

// Not shared between threads; give each thread its own and merge.
class ExactSum {
 public:
  static constexpr double kRange = 1099511627776.0;         // 2^40: |x| must be below
  static constexpr uint64_t kMaxWeight = (1ull << 32) - 1;  // of all terms together

  // `most`: wider registers are left alone where the processor has them; the bits are the same.
  explicit ExactSum(size_t elements, Registers most = Registers::kAvx512);

  // Adds weight * values. values.size() == size(). Every value must be finite and |x| < kRange,
  // weight >= 1 (checked where the values come in; here a bug aborts).
  void add(uint64_t weight, std::span<const float> values);
  void add(uint64_t weight, std::span<const double> values);
  // Adds all terms of another sum of the same size.
  void merge(const ExactSum& other);

  size_t size() const { return elements_; }
  uint64_t total_weight() const { return weight_; }
  // sum / total_weight, correctly rounded up to the bound above. total_weight() must be >= 1.
  void mean(std::span<float> out) const;
  void mean(std::span<double> out) const;
  void reset(size_t elements);

 private:
  static constexpr int kLimbs = 4;
  Registers registers_;
  size_t elements_;
  uint64_t weight_ = 0;
  std::vector<int64_t> limbs_;  // limb i of element e at [i * elements_ + e]
};

}  // namespace atl
