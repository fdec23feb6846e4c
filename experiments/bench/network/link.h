// One direction of an emulated link, as arithmetic on times: which packet is lost, and when the
// others arrive. No clock and no socket, so that its tests need none either; emulator.h moves real
// packets by it.
//
// A packet first meets a cut, then the queue in front of the link (drop tail), then the link, which
// sends one bit after the other, then the loss, and then takes its time. A lost packet has used the
// link; nothing overtakes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/core/rng.h"

namespace atl::bench {

using LinkTime = std::chrono::nanoseconds;  // since any beginning

// Both directions are alike. RTT is what ping would print on the idle link: half of it each way.
struct Weather {
  double loss = 0;                   // of packets, each by itself, in each direction
  std::chrono::milliseconds rtt{0};  // added by the link
  uint64_t rate = 0;                 // bits a second of whole IP packets; 0: no limit
};

class LinkDirection {
 public:
  LinkDirection(const Weather& weather, uint64_t seed, const char* purpose);

  // A packet of `bytes` is handed over at `now`, which never goes back. When it arrives; nothing
  // when it is lost.
  std::optional<LinkTime> offer(LinkTime now, size_t bytes);
  // Everything that is handed over before `until` is lost.
  void cut(LinkTime until) { cut_until_ = until; }

  struct Counts {
    uint64_t packets = 0, bytes = 0;                 // that arrive
    uint64_t overflowed = 0, lost = 0, cut_off = 0;  // packets
  };
  const Counts& counts() const { return counts_; }

 private:
  LinkTime time_for(uint64_t bytes) const;
  Weather weather_;
  uint64_t queue_ = 0;  // bytes
  Rng rng_;
  LinkTime free_{0};  // when the last packet of the queue is on the link
  LinkTime cut_until_{0};
  Counts counts_;
};

// What the queue holds: 50 ms or one round trip of the link's rate, and never less than 32 packets.
uint64_t queue_bytes(const Weather& weather);

}  // namespace atl::bench
