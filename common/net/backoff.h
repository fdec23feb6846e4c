// Jittered exponential back-off for clients that retry for ever: each pause is drawn from [limit /
// 2, limit], and the limit doubles up to a cap, so that a thousand clients do not come back in the
// same instant.
#pragma once

#include <algorithm>
#include <chrono>

#include "common/core/rng.h"

namespace atl::net {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most, Rng rng)
      : least_(least), most_(most), limit_(least), rng_(rng) {}

  std::chrono::milliseconds next() {
    const auto half = std::max<int64_t>(1, limit_.count() / 2);
    const std::chrono::milliseconds pause(
        half + static_cast<int64_t>(rng_.below(static_cast<uint64_t>(half) + 1)));
    limit_ = std::min(most_, limit_ * 2);
    return pause;
  }
  // After a success.
  void reset() { limit_ = least_; }

 private:
  std::chrono::milliseconds least_, most_, limit_;
  Rng rng_;
};

}  // namespace atl::net
