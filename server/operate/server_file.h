// server.toml: the run, and what belongs to this server alone. The run's part is fixed once the run
// has begun; of the rest a running server takes over what it can.
#pragma once

#include <string>
#include <vector>

#include "server/admin/folder.h"
#include "server/admin/secured.h"
#include "server/admission/config.h"
#include "server/run_config.h"
#include "server/watch/config.h"

namespace atl::server {

struct ServerFile {
  RunConfig run;
  std::string address = "127.0.0.1:7070";  // [listen] address
  AdmissionConfig admission;
  WatchConfig watch;
};

// kConfig with every mistake of the file; kIo.
Result<ServerFile> read_server_file(const ServerFolder& folder);

// Reads the file again, and the certificate and key of the server with it, and lets the running
// server go by them: [admission], [identity] and `quarantine_after` hold from now on, the
// certificate for handshakes that begin from now on. `running`: what the server goes by; changed
// along. Returns what has changed and what waits for the next start, a line each, after one on the
// certificate.
//
// All or nothing: kConfig when the file has a mistake or another run than the one that is served
// (naming the lines), kIdentity when the certificate cannot be used or has expired. Call on the
// server's executor.
Result<std::vector<std::string>> reload(const ServerFolder& folder, ServerFile& running,
                                        Context& context, SecuredFolder& secured,
                                        net::Listener& listener);

}  // namespace atl::server
