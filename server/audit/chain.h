// The lines of an audit log and how they hang together. Included by the .cc files of server/audit
// only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/file.h"
#include "common/core/hash.h"

namespace atl::server::chain {

// `prev` of the first line.
inline std::string beginning() { return std::string(64, '0'); }
inline std::string hash_of(std::string_view line) { return hex(sha256(as_bytes(line))); }

// What the chain knows of a line. `cut`: of a line that marks a part before it as cut off, the
// SHA-256 of that part with its line break.
struct Link {
  uint64_t seq = 0;
  std::string prev, cut;
};
// Empty when the text is not one of our lines.
std::optional<Link> parse(std::string_view line);

// Where a log ends.
struct Tail {
  uint64_t seq = 0;                // of the last whole line; 0: there is none
  std::string prev = beginning();  // its hash
  uint64_t size = 0;               // of the file
  std::string cut;                 // bytes behind the last whole line
  bool open = false;               // the last whole line lacks nothing but its line break
};
Result<Tail> read_tail(const File& file);

}  // namespace atl::server::chain
