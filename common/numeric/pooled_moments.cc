#include "common/numeric/pooled_moments.h"

#include <algorithm>
#include <vector>

namespace atl {

void PooledMoments::add(uint64_t weight, std::span<const float> mean,
                        std::span<const float> variance) {
  ATOLL_CHECK(mean.size() == variance.size(), "sizes differ");
  mean_.add(weight, mean);
  std::vector<double> second(mean.size());
  for (size_t i = 0; i < second.size(); ++i) {
    const double m = mean[i];
    second[i] = static_cast<double>(variance[i]) + m * m;
  }
  second_.add(weight, std::span<const double>(second));
}

void PooledMoments::merge(const PooledMoments& other) {
  mean_.merge(other.mean_);
  second_.merge(other.second_);
}

void PooledMoments::finish(std::span<float> mean, std::span<float> variance) const {
  std::vector<double> m(mean_.size()), s(mean_.size());
  mean_.mean(std::span<double>(m));
  second_.mean(std::span<double>(s));
  for (size_t i = 0; i < m.size(); ++i) {
    mean[i] = static_cast<float>(m[i]);
    variance[i] = static_cast<float>(std::max(0.0, s[i] - m[i] * m[i]));
  }
}

}  // namespace atl
