// All of a server.toml: the run (run_config.h), and what may change from one start to the next.
#pragma once

#include <string>

#include "server/admission/config.h"
#include "server/run_config.h"
#include "server/watch_config.h"

namespace atl::server {

struct ServerFile {
  RunConfig run;
  std::string address = "127.0.0.1:7070";  // [listen] address
  AdmissionConfig admission;
  WatchConfig watch;
};

// kConfig with every mistake.
Result<ServerFile> read_server_file(const std::string& path);

}  // namespace atl::server
