#include "experiments/bench/network/link.h"

#include <algorithm>

namespace atl::bench {
namespace {

constexpr uint64_t kLeastQueue = 32 * 1500;
constexpr std::chrono::milliseconds kLeastQueueTime{50};

}  // namespace

uint64_t queue_bytes(const Weather& weather) {
  const auto time = static_cast<uint64_t>(std::max(kLeastQueueTime, weather.rtt).count());
  return std::max(kLeastQueue, weather.rate / 8 * time / 1000);
}

LinkDirection::LinkDirection(const Weather& weather, uint64_t seed, const char* purpose)
    : weather_(weather), queue_(queue_bytes(weather)), rng_(seed, purpose) {}

LinkTime LinkDirection::time_for(uint64_t bytes) const {
  if (weather_.rate == 0) return LinkTime{0};
  return LinkTime(static_cast<int64_t>(bytes * 8 * 1'000'000'000 / weather_.rate));
}

std::optional<LinkTime> LinkDirection::offer(LinkTime now, size_t bytes) {
  if (now < cut_until_) {
    ++counts_.cut_off;
    return std::nullopt;
  }
  // The link is busy for as long as what waits for it takes.
  const auto begin = std::max(now, free_);
  if (weather_.rate != 0 && begin - now + time_for(bytes) > time_for(queue_)) {
    ++counts_.overflowed;
    return std::nullopt;
  }
  free_ = begin + time_for(bytes);
  if (rng_.uniform() < weather_.loss) {
    ++counts_.lost;
    return std::nullopt;
  }
  ++counts_.packets;
  counts_.bytes += bytes;
  return free_ + std::chrono::duration_cast<LinkTime>(weather_.rtt) / 2;
}

}  // namespace atl::bench
