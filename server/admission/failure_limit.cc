#include "server/admission/failure_limit.h"

#include <algorithm>

#include "server/audit/limiter.h"

namespace atl::server {

double FailureLimit::left(const Bucket& bucket, Time now) const {
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - bucket.at).count();
  return std::min(at_once_, bucket.left + minutes * a_minute_);
}

void FailureLimit::make_room(Time now) {
  if (buckets_.size() < kNetworks) return;
  std::erase_if(buckets_, [&](const auto& entry) { return left(entry.second, now) >= at_once_; });
  // Who has more networks than this has a fresh one for each attempt anyway.
  if (buckets_.size() >= kNetworks) buckets_.erase(buckets_.begin());
}

void FailureLimit::failed(const std::string& address, Time now) {
  const auto network = network_of(address);
  if (buckets_.count(network) == 0) make_room(now);
  auto& bucket = buckets_.try_emplace(network, Bucket{at_once_, now}).first->second;
  bucket.left = std::max(0.0, left(bucket, now) - 1);
  bucket.at = now;
}

bool FailureLimit::is_spent(const std::string& address, Time now) const {
  const auto found = buckets_.find(network_of(address));
  return found != buckets_.end() && left(found->second, now) < 1;
}

}  // namespace atl::server
