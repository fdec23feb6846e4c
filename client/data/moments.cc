#include "client/data/moments.h"

#include <cmath>

namespace atl::data {

void set_moments(Dataset& images) {
  if (images.bytes.empty()) return;
  const auto channels = static_cast<size_t>(images.shape.front());
  const size_t plane = images.example_elements() / channels;
  images.mean.clear();
  images.std.clear();
  for (size_t c = 0; c < channels; ++c) {
    uint64_t sum = 0, squares = 0;
    for (size_t i = 0; i < images.size(); ++i) {
      const uint8_t* pixel = images.bytes.data() + (i * channels + c) * plane;
      for (size_t j = 0; j < plane; ++j) {
        sum += pixel[j];
        squares += uint64_t{pixel[j]} * pixel[j];
      }
    }
    const auto count = static_cast<double>(images.size() * plane);
    const double mean = static_cast<double>(sum) / count;
    const double variance = static_cast<double>(squares) / count - mean * mean;
    images.mean.push_back(static_cast<float>(mean / 255));
    images.std.push_back(variance > 0 ? static_cast<float>(std::sqrt(variance) / 255) : 1.0F);
  }
}

}  // namespace atl::data
