// Looks at a server's folder as a start would, and starts nothing: what would fail then fails now,
// with the same error.
#pragma once

#include <string>
#include <vector>

#include "server/admin/folder.h"

namespace atl::server {

// One line a finding, for a person; what is good says so. kConfig: the folder holds a run with
// another configuration. kIdentity: keys and certificates do not fit, or have expired.
// kAddressInUse: somebody else than this folder's own server listens on `address`.
Result<std::vector<std::string>> check_folder(const ServerFolder& folder, const RunConfig& run,
                                              const std::string& address,
                                              net::WallTime now = std::chrono::system_clock::now());

// The line on the server's certificate. kIdentity when there is none or it has expired.
Result<std::string> check_identity(const ServerFolder& folder, net::WallTime now);

}  // namespace atl::server
