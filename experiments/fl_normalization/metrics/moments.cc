#include "experiments/fl_normalization/metrics/moments.h"

#include <algorithm>
#include <numeric>

#include "common/core/check.h"
#include "common/core/rng.h"

namespace atl::study {

void ChannelMoments::Sums::merge(const Sums& other) {
  if (other.count == 0) return;
  const double mine = static_cast<double>(count), theirs = static_cast<double>(other.count);
  const double gap = other.mean - mean, all = mine + theirs;
  mean += gap * theirs / all;
  squares += other.squares + gap * gap * mine * theirs / all;
  count += other.count;
}

void ChannelMoments::add(size_t channel, std::span<const float> values) {
  if (values.empty()) return;
  Sums block;
  block.count = values.size();
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  block.mean = sum / static_cast<double>(values.size());
  for (const float value : values) {
    const double off = static_cast<double>(value) - block.mean;
    block.squares += off * off;
  }
  channels_[channel].merge(block);
}

void ChannelMoments::merge(const ChannelMoments& other) {
  ATOLL_CHECK(other.channels_.size() == channels_.size(), "moments of as many channels");
  for (size_t c = 0; c < channels_.size(); ++c) channels_[c].merge(other.channels_[c]);
}

ChannelStatistics ChannelMoments::statistics() const {
  ChannelStatistics out;
  for (const auto& sums : channels_) {
    out.mean.push_back(sums.mean);
    out.variance.push_back(sums.count == 0 ? 0 : sums.squares / static_cast<double>(sums.count));
  }
  return out;
}

std::vector<size_t> measured_channels(std::string_view site, size_t channels, size_t most) {
  std::vector<size_t> all(channels);
  std::iota(all.begin(), all.end(), size_t{0});
  if (channels <= most) return all;
  Rng rng(0, "measured channels", site);
  rng.shuffle(std::span(all));
  all.resize(most);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace atl::study
