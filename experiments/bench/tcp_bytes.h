// What really crossed this process's TCP connections, TLS's own bytes included, as the kernel
// counts it (TCP_INFO).
#pragma once

#include <cstdint>

namespace atl::bench {

struct TcpBytes {
  uint64_t sent = 0;  // and acknowledged by the other side
  uint64_t received = 0;
  unsigned connections = 0;
};
// Summed over the open connections of this process to a port of this machine (outbound ends only).
TcpBytes tcp_bytes_to_port(uint16_t port);

}  // namespace atl::bench
