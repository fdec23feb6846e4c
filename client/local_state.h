// LocalState: the values of those tensors that a client keeps to itself, after each of its last two
// rounds. Two, because a round may be trained again (its update was lost with a crash, or the
// server came back before its commit), and must then start from the same values as the first time:
// from those of the newest round before it.
//
//   FOLDER/round-000007.safetensors   metadata "atoll.owner": whose values these are
//
// A file is written whole or not at all, and checked when it is read: a damaged one, or one of
// another run, client or model, counts as none. Used by one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/core/result.h"
#include "common/tensor/manifest.h"

namespace atl::client {

class LocalState {
 public:
  // An empty folder: in memory, for as long as this object lives.
  explicit LocalState(std::string folder) : folder_(std::move(folder)) {}

  // Flat bytes of `tensors` after the newest round before `round`; none when there was no such.
  std::optional<Bytes> before(uint32_t round, const std::string& owner, const Manifest& tensors);
  // Takes the values after `round`, and drops all but those of this round and of the newest one
  // before it. kDiskFull, kIo.
  Status save(uint32_t round, const std::string& owner, const Manifest& tensors, ByteView flat);

 private:
  struct Held {
    std::string owner;
    Digest manifest;
    Bytes flat;
  };
  std::optional<Bytes> read(uint32_t round, const std::string& owner, const Manifest& tensors);
  std::map<uint32_t, std::string> files() const;  // by round

  std::string folder_;
  std::map<uint32_t, Held> held_;  // without a folder
};

}  // namespace atl::client
