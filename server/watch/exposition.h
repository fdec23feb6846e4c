// The server's numbers in Prometheus' text format, version 0.0.4.
#pragma once

#include <string>

#include "server/context.h"

namespace atl::server {

// Names follow the conventions: base units in the name (seconds, bytes), _total for counters, one
// build-info gauge. At most `client_labels` clients get lines of their own, the first by name;
// atoll_clients_unlabelled says how many have none. Called on the server's executor.
std::string exposition(const Context& context, size_t client_labels);

}  // namespace atl::server
