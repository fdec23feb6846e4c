#include "common/core/transfer_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace atl {
namespace {
constexpr size_t kBlock = 1 << 20;
}

struct TransferHash::Impl {
  XXH3_state_t block;
  size_t in_block = 0;
  Sha256 blocks;
  Impl() { XXH3_128bits_reset(&block); }

  void end_block() {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&block));
    blocks.update(std::as_bytes(std::span(canonical.digest)));
    XXH3_128bits_reset(&block);
    in_block = 0;
  }
};

TransferHash::TransferHash() : impl_(std::make_unique<Impl>()) {}
TransferHash::~TransferHash() = default;
TransferHash::TransferHash(TransferHash&&) noexcept = default;
TransferHash& TransferHash::operator=(TransferHash&&) noexcept = default;

void TransferHash::update(ByteView bytes) {
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kBlock - impl_->in_block);
    XXH3_128bits_update(&impl_->block, bytes.data(), size);
    impl_->in_block += size;
    bytes = bytes.subspan(size);
    if (impl_->in_block == kBlock) impl_->end_block();
  }
}

Digest TransferHash::finish() {
  if (impl_->in_block > 0) impl_->end_block();
  return impl_->blocks.finish();
}

Digest transfer_digest(ByteView bytes) {
  TransferHash hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace atl
