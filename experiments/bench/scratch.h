// A folder for one benchmark's files, removed with it; and the certificates that both sides use.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/result.h"

namespace atl::bench {

class Scratch {
 public:
  // Makes a folder inside `parent` (empty: the system's temporary folder), where `needed` bytes
  // must be free. kDiskFull with what is there and what is needed.
  static Result<Scratch> make(const std::string& parent, uint64_t needed);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Files of one federation's identities, in PEM.
struct Identities {
  std::string authority, server_certificate, server_key, client_certificate, client_key;
};
// Makes an authority, a certificate for a server on this machine and one for the client "client",
// in `folder`.
Result<Identities> make_identities(const std::string& folder);

}  // namespace atl::bench
