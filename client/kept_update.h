// KeptUpdate: a finished update on the client's disk, until the server has committed its round. A
// client that dies after training, and a server that dies before its commit, cost a transfer again,
// not a training.
//
//   FOLDER/update.safetensors   the local model; metadata: what it answers, and the report
//
// The file is written whole or not at all, and checked when it is read: after a power cut, or when
// the task has changed in any way, it is as if there were none.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/trainer.h"
#include "common/core/hash.h"
#include "common/tensor/safetensors.h"
#include "common/wire/message.h"

namespace atl::client {

// What makes an update the answer to a task: hash over all of the task (round, model, settings) and
// over who trained (name, counts of examples).
Digest key_of(const wire::Hello& client, const wire::Task& task);

class KeptUpdate {
 public:
  // Reads the trainer's local model once. Not thread-safe; may be called on any one thread.
  // kDiskFull, kIo.
  static Result<KeptUpdate> save(const std::string& folder, const Digest& key,
                                 const wire::Offer& offer, const Trainer& trainer);
  // The update that answers this task, if there is one; damaged files count as none.
  static std::optional<KeptUpdate> load(const std::string& folder, const Digest& key,
                                        const Manifest& manifest);
  static void remove(const std::string& folder);

  const wire::Offer& offer() const { return offer_; }
  Status read(uint64_t offset, MutableByteView out) const { return file_.read_flat(offset, out); }

 private:
  KeptUpdate(SafetensorsFile file, wire::Offer offer)
      : file_(std::move(file)), offer_(std::move(offer)) {}
  SafetensorsFile file_;
  wire::Offer offer_;
};

}  // namespace atl::client
