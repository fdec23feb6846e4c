// Asks the running server of a folder whether it is well: `atoll-server health`, for a container's
// health check, a service manager's watchdog, a script.
#pragma once

#include "server/admin/folder.h"

namespace atl::server {

// GET /healthz at the address that the folder's `watch` names; where that is not loopback, with the
// server's own authority and token. The answer's body. kNetwork when no server serves it (stopped,
// or no [watch] address), kDeadline when the round loop does not answer, kIdentity when the server
// there has another token.
Result<std::string> ask_health(const ServerFolder& folder);

}  // namespace atl::server
