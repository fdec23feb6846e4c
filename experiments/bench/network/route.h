// A route's metric, told to the kernel over netlink.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/result.h"

namespace atl::bench {

// In the calling thread's network namespace: connections to `network` (IPv4, /24, in network byte
// order), which is behind the interface with this index, use this TCP congestion control. A
// namespace's own setting takes only those that everybody may use. kUnsupported when the kernel
// refuses.
Status set_congestion(uint32_t network, int interface, const std::string& congestion);

}  // namespace atl::bench
