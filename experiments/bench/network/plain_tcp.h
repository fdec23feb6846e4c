// What plain TCP makes of an emulated link: a few streams that do nothing but send, with the
// kernel's own buffers. The measure beside which Atoll's transfers stand.
#pragma once

#include <chrono>

#include "experiments/bench/network/emulator.h"

namespace atl::bench {

enum class Direction { kDown, kUp };  // from the server's side, and to it

struct PlainTcp {
  uint64_t bytes = 0;  // that arrived, of all streams
  double seconds = 0;  // from the first byte that could be sent to the last that arrived
  double rate() const { return seconds > 0 ? static_cast<double>(bytes) / seconds : 0; }
};
// Sends `each` bytes over each of the connections, all at once and all made before, or as many of
// them as arrive within the limit. kNetwork when the connections are not made within a minute.
Result<PlainTcp> run_plain_tcp(const EmulatedLink& link, Direction direction, size_t connections,
                               uint64_t each, std::chrono::milliseconds limit);

}  // namespace atl::bench
