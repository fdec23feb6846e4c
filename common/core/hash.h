// SHA-256 (FIPS 180-4), through OpenSSL.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl {

using Digest = std::array<std::byte, 32>;

// Feed bytes in order, then finish once. Not shared between threads.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(ByteView bytes);
  Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Digest sha256(ByteView bytes);
std::string hex(const Digest& digest);
// Digest of a file's bytes from `offset` to its end.
Result<Digest> sha256_file(const std::string& path, uint64_t offset = 0);

}  // namespace atl
