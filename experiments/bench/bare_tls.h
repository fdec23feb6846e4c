// The other side of the comparison: one blocking TLS 1.3 connection on loopback, made with Asio and
// OpenSSL as their documentation shows, a thread at each end, 1 MiB handed over at a time.
#pragma once

#include <memory>
#include <string>

#include "experiments/bench/scratch.h"

namespace atl::bench {

class BareTls {
 public:
  static Result<std::unique_ptr<BareTls>> connect(const Identities& files);
  ~BareTls();

  // Each returns when `bytes` have arrived at the other end.
  Status server_to_client(uint64_t bytes);
  Status client_to_server(uint64_t bytes);
  std::string cipher() const;

 private:
  struct Pair;
  explicit BareTls(std::unique_ptr<Pair> pair);
  std::unique_ptr<Pair> pair_;
};

}  // namespace atl::bench
