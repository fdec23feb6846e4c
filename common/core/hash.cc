#include "common/core/hash.h"

#include <openssl/evp.h>

#include "common/core/file.h"

namespace atl {

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() {
    ATOLL_CHECK(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1,
                "SHA-256");
  }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
  ATOLL_CHECK(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1, "SHA-256");
}

Digest Sha256::finish() {
  Digest digest;
  ATOLL_CHECK(EVP_DigestFinal_ex(impl_->context, reinterpret_cast<unsigned char*>(digest.data()),
                                 nullptr) == 1,
              "SHA-256");
  return digest;
}

Digest sha256(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string hex(const Digest& digest) { return to_hex(digest); }

Result<Digest> sha256_file(const std::string& path, uint64_t offset) {
  ATOLL_ASSIGN(auto file, File::open_read(path));
  ATOLL_ASSIGN(const uint64_t size, file.size());
  Sha256 hash;
  Bytes piece;
  for (; offset < size; offset += piece.size()) {
    piece.resize(std::min<uint64_t>(1 << 20, size - offset));
    ATOLL_TRY(file.read_at(offset, piece));
    hash.update(piece);
  }
  return hash.finish();
}

}  // namespace atl
