// The digest that goes with a model or an update over the wire: SHA-256 over the XXH3-128 hashes of
// its blocks of 1 MiB (each in canonical form, that is big-endian).
//
// It finds bytes that changed on their way or on a disk, at many times the speed of SHA-256 (which
// alone costs as much as TLS). It is no defence against somebody who crafts two updates of one
// digest: that would be a client deceiving nobody but itself, and strangers are kept out by TLS.
// What names a model to people, in checkpoints and reports, is the SHA-256 of its bytes (hash.h).
#pragma once

#include <memory>

#include "common/core/hash.h"

namespace atl {

// Feed bytes in order, in pieces of any size, then finish once. Not shared between threads.
class TransferHash {
 public:
  TransferHash();
  ~TransferHash();
  TransferHash(TransferHash&&) noexcept;
  TransferHash& operator=(TransferHash&&) noexcept;
  void update(ByteView bytes);
  Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Digest transfer_digest(ByteView bytes);

}  // namespace atl
