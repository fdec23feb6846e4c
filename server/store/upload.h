// Upload: one client's update on its way in. Bytes are checked as they arrive and kept in a file of
// the run's spool, so that neither a client that dies half-way nor the number of clients ever
// touches the sum or the server's memory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/core/file.h"
#include "common/core/transfer_hash.h"
#include "common/tensor/manifest.h"
#include "common/wire/message.h"
#include "server/store/spool.h"

namespace atl::server {

struct Refusal {
  wire::Reason reason = wire::Reason::kNone;
  std::string text;
};

// Used by one session at a time.
class Upload {
 public:
  // Takes a file of the spool, and gives it back in the end.
  static Result<std::unique_ptr<Upload>> create(std::shared_ptr<Spool> spool,
                                                std::shared_ptr<const Manifest> manifest,
                                                const Digest& expected);
  ~Upload() { spool_->give(std::move(file_)); }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // Takes the next piece. A refusal is the sender's fault (wrong offset, too long, not finite, out
  // of range); an Error is the server's own (disk full).
  Result<std::optional<Refusal>> append(uint64_t offset, ByteView bytes);
  // After the last byte: compares the hash. May be asked again.
  std::optional<Refusal> finish();

  uint64_t received() const { return received_; }
  bool complete() const { return received_ == manifest_->total_bytes(); }
  const Digest& expected() const { return expected_; }
  Status read_at(uint64_t offset, MutableByteView out) const { return file_.read_at(offset, out); }

 private:
  Upload(std::shared_ptr<Spool> spool, File file, std::shared_ptr<const Manifest> manifest,
         const Digest& expected)
      : spool_(std::move(spool)),
        file_(std::move(file)),
        manifest_(std::move(manifest)),
        expected_(expected) {}
  std::shared_ptr<Spool> spool_;
  File file_;
  std::shared_ptr<const Manifest> manifest_;
  Digest expected_;
  TransferHash hash_;
  std::optional<Digest> found_;
  uint64_t received_ = 0;
};

// The first tensor in a range of flat bytes that holds a value which is not finite or not below
// 2^40 (float32 running means: 2^19, running variances: 2^38), or a negative running variance; none
// when all are good. Integers are always good.
std::optional<std::string> first_bad_tensor(const Manifest& manifest, uint64_t offset,
                                            ByteView bytes);

}  // namespace atl::server
