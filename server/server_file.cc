#include "server/server_file.h"

namespace atl::server {

Result<ServerFile> read_server_file(const std::string& path) {
  ATOLL_ASSIGN(auto document, config::Document::load(path));
  auto root = document.root();
  ServerFile file;
  file.run = read_run_config(root);
  root.table("listen").read("address", file.address);
  file.admission = read_admission_config(root);
  file.watch = read_watch_config(root);
  // A run file may also say how the workbench is to simulate it.
  for (const char* other : {"data", "partition", "simulate"}) root.table(other).accept_other_keys();
  ATOLL_TRY(document.finish());
  return file;
}

}  // namespace atl::server
