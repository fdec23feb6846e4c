// What a running server takes over from an edited server.toml. The run's part is fixed once the run
// has begun; of the rest, what can hold at once does.
#pragma once

#include <string>
#include <vector>

#include "server/admin/folder.h"
#include "server/admin/secured.h"
#include "server/server_file.h"

namespace atl::server {

// Reads the file again, and the certificate and key of the server with it, and lets the running
// server go by them: [admission], [identity] and `quarantine_after` hold from now on, the
// certificate for handshakes that begin from now on. `running`: what the server goes by; changed
// along. Returns what has changed and what waits for the next start, a line each, after one on the
// certificate.
//
// All or nothing: kConfig when the file has a mistake or another run than the one that is served
// (naming the keys), kIdentity when the certificate cannot be used or has expired. Call on the
// server's executor.
Result<std::vector<std::string>> reload(const ServerFolder& folder, ServerFile& running,
                                        Context& context, SecuredFolder& secured,
                                        net::Listener& listener);

}  // namespace atl::server
