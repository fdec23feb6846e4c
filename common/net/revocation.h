// The list of certificates that are no longer good: one line each, "serial name time". Read anew
// whenever the file changes.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "common/net/identity.h"

namespace atl::net {

// Not thread-safe.
class RevocationList {
 public:
  explicit RevocationList(std::string path) : path_(std::move(path)) {}
  // kIo when the list exists but cannot be read.
  Result<bool> contains(const std::string& serial);
  // Whether the list is another one than when this was last asked; true the first time. kIo as
  // above.
  Result<bool> changed();
  Status add(const CertificateInfo& certificate, WallTime now);

 private:
  Status refresh();
  std::string path_;
  std::string stamp_;                 // size and time of the file when it was read
  std::optional<std::string> asked_;  // what changed() has seen
  std::set<std::string> serials_;
};

}  // namespace atl::net
