// What the numbers of one tensor look like, found piece by piece: memory does not grow with the
// tensor.
#pragma once

#include <cstdint>
#include <span>

#include "common/tensor/safetensors.h"

namespace atl::workbench {

// Over the finite elements only; all 0 when there is none. Computed in extended precision; integers
// of 64 bits beyond 2^53 are rounded to a double first.
struct TensorStatistics {
  uint64_t finite = 0, nans = 0, infinities = 0;
  double min = 0, max = 0;
  double mean = 0;
  double std = 0;   // of the population: divided by the number of elements
  double norm = 0;  // L2
  uint64_t elements() const { return finite + nans + infinities; }
};

// Takes values in any number of pieces. Means and squared deviations of pieces are pooled (Chan,
// Golub and LeVeque 1983, eq. 2.1), so that a large mean does not swallow a small spread.
class StatisticsMaker {
 public:
  void add(std::span<const double> values);
  TensorStatistics finish() const;

 private:
  TensorStatistics counts_;
  long double mean_ = 0, deviations_ = 0, squares_ = 0;
};

// Reads the tensor in pieces of at most 1 MiB. kIo when the file cannot be read.
Result<TensorStatistics> measure(const SafetensorsFile& file, const TensorSpec& tensor);

}  // namespace atl::workbench
