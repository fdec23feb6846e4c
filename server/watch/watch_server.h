// The address beside the federation's own where a run is watched: a status page, its JSON, numbers
// for Prometheus, and a health check. It reads and changes nothing. docs/watching.md lists the
// routes.
//
//   /                     the page (server/watch/page), with all it needs from this server
//   /healthz              200 while the round loop's thread answers within two seconds, else 503
//   /metrics              Prometheus' text format
//   /api/v1/status        status_json(); /clients, /cohort: the like (metrics/status.h)
//   /api/v1/events?from=N lines of metrics.jsonl from byte N on: {"next": M, "events": [...]}
//   /api/v1/config        the run's configuration, TOML
#pragma once

#include <memory>
#include <string>

#include "server/context.h"
#include "server/watch_config.h"

namespace atl::server {

struct WatchFiles {
  std::string certificate, key;  // of the server; used where the address is not loopback
  std::string token;             // made where there is none, likewise
};

// On loopback: plain HTTP, for whoever can reach it; only under a name of this machine's own, so
// that no page of another site can read it. Elsewhere: HTTPS with the server's certificate, and the
// token of the file, as `Authorization: Bearer`, or once as /?token=..., which leaves a cookie.
// Requests of another origin are refused. Has threads of its own, few and fixed.
class WatchServer {
 public:
  // Binds at once. The context outlives the server, and its executor runs handlers meanwhile.
  // kAddressInUse, kNetwork, kIdentity, kIo.
  static Result<std::unique_ptr<WatchServer>> start(const WatchConfig& config,
                                                    const WatchFiles& files, Context& context);
  ~WatchServer();  // ends what is under way
  WatchServer(const WatchServer&) = delete;
  WatchServer& operator=(const WatchServer&) = delete;

  const std::string& url() const;  // "http://127.0.0.1:7071/"

 private:
  struct Impl;
  explicit WatchServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace atl::server
