// Mean and variance of every channel of a layer over a whole probe set, whatever batches it came
// in. Blocks are merged as in Chan, Golub, LeVeque 1983, "Algorithms for computing the sample
// variance", equation 2.1, in double: how the set was cut into batches changes the last bits only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace atl::study {

// Of one client's layer: one entry per channel. Variances are biased (over n).
struct ChannelStatistics {
  std::vector<double> mean, variance;
};

// One thread at a time.
class ChannelMoments {
 public:
  explicit ChannelMoments(size_t channels) : channels_(channels) {}

  // Adds a block of values of one channel, for example one example's plane.
  void add(size_t channel, std::span<const float> values);
  // Adds everything that `other`, of as many channels, has seen.
  void merge(const ChannelMoments& other);

  uint64_t count(size_t channel) const { return channels_[channel].count; }
  // Channels without a value have mean and variance 0.
  ChannelStatistics statistics() const;

 private:
  struct Sums {
    uint64_t count = 0;
    double mean = 0;
    double squares = 0;  // of deviations from the mean
    void merge(const Sums& other);
  };
  std::vector<Sums> channels_;
};

// The channels that are measured: all, or `most` of them, drawn once and for all from the site's
// name, ascending. Every client and every run looks at the same ones.
std::vector<size_t> measured_channels(std::string_view site, size_t channels, size_t most = 64);

}  // namespace atl::study
