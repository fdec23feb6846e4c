#include "server/watch_config.h"

#include "common/net/tls_transport.h"

namespace atl::server {

WatchConfig read_watch_config(config::Table root) {
  WatchConfig watch;
  auto table = root.table("watch");
  table.read("address", watch.address);
  if (!watch.address.empty()) {
    if (auto parsed = net::parse_address(watch.address); !parsed)
      table.fail("address", parsed.error().message());
  }
  table.read("tensorboard", watch.tensorboard);
  table.read("client_labels", watch.client_labels, {.max = 10'000});
  return watch;
}

}  // namespace atl::server
