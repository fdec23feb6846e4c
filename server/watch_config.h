// [watch] of server.toml: where the status page, the numbers for Prometheus and the JSON are
// served. Not part of the run's configuration: it may change from one start to the next.
#pragma once

#include <string>

#include "common/config/config.h"

namespace atl::server {

struct WatchConfig {
  std::string address;       // [watch] address: "127.0.0.1:7071"; empty: nothing is served
  bool tensorboard = false;  // [watch] tensorboard: event files beside metrics.jsonl
  // [watch] client_labels: /metrics names so many clients at most, so that a large federation does
  // not make a large database.
  uint32_t client_labels = 100;

  bool operator==(const WatchConfig&) const = default;
};

// Leaves document.finish() to the caller.
WatchConfig read_watch_config(config::Table root);

}  // namespace atl::server
