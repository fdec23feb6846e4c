// Looks at a server's folder as a start would, and starts nothing: what would fail then fails now,
// with the same error.
#pragma once

#include <string>
#include <vector>

#include "server/admin/folder.h"

namespace atl::server {

// Each is one look; the text is for a person. They end with the errors of check_folder.
Result<std::string> check_identity(const ServerFolder& folder, net::WallTime now);
// Listens for a moment, with the keys that a start would use. An address that is taken while the
// folder says that its own server has it is good.
Result<std::string> check_address(const ServerFolder& folder, const std::string& address);
Result<std::string> check_run(const ServerFolder& folder, const RunConfig& run);

// All of them. One line a finding, for a person; what is good says so. kConfig: the folder holds a
// run with another configuration. kIdentity: keys and certificates do not fit, or have expired.
// kAddressInUse: somebody else than this folder's own server listens on `address`.
Result<std::vector<std::string>> check_folder(const ServerFolder& folder, const RunConfig& run,
                                              const std::string& address,
                                              net::WallTime now = std::chrono::system_clock::now());

}  // namespace atl::server
