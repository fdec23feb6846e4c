#include "common/numeric/pooled_moments.h"

#include <algorithm>
#include <vector>

namespace atl {

void PooledMoments::add(uint64_t weight, std::span<const float> mean,
                        std::span<const float> variance) {
  ATOLL_CHECK(mean.size() == variance.size(), "sizes differ");
  mean_.add(weight, mean);
  variance_.add(weight, variance);
  std::vector<double> square(mean.size());
  for (size_t i = 0; i < square.size(); ++i) square[i] = static_cast<double>(mean[i]) * mean[i];
  square_.add(weight, std::span<const double>(square));
}

void PooledMoments::merge(const PooledMoments& other) {
  mean_.merge(other.mean_);
  square_.merge(other.square_);
  variance_.merge(other.variance_);
}

void PooledMoments::finish(std::span<float> mean, std::span<float> variance) const {
  std::vector<double> m(mean_.size()), s(mean_.size()), v(mean_.size());
  mean_.mean(std::span<double>(m));
  square_.mean(std::span<double>(s));
  variance_.mean(std::span<double>(v));
  for (size_t i = 0; i < m.size(); ++i) {
    mean[i] = static_cast<float>(m[i]);
    variance[i] = static_cast<float>(std::max(0.0, v[i] + (s[i] - m[i] * m[i])));
  }
}

}  // namespace atl
