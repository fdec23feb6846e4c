// A network namespace of its own with one interface, a TUN device whose packets this program reads
// and writes. Made by ioctls; no other program is needed, but root is.
#pragma once

#include <string>
#include <utility>

#include "common/core/result.h"

namespace atl::bench {

class NetworkNamespace {
 public:
  // The interface has this address (IPv4, /24), MTU 1500, no offloads. `congestion`: the TCP
  // congestion control of its connections; empty: the kernel's choice. kUnsupported, with the
  // reason, where the machine or the user may not.
  static Result<NetworkNamespace> make(const std::string& address, const std::string& congestion);
  NetworkNamespace(NetworkNamespace&& other) noexcept
      : net_(std::exchange(other.net_, -1)), tun_(std::exchange(other.tun_, -1)) {}
  NetworkNamespace& operator=(NetworkNamespace&&) = delete;
  ~NetworkNamespace();

  // Whole IP packets, not blocking. The namespace owns it.
  int tun() const { return tun_; }

  // While it lives, sockets that the calling thread makes, and programs and threads that it starts,
  // belong to the namespace.
  class Inside {
   public:
    explicit Inside(const NetworkNamespace& where);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    int before_;
  };

 private:
  NetworkNamespace(int net, int tun) : net_(net), tun_(tun) {}
  int net_, tun_;
};

}  // namespace atl::bench
