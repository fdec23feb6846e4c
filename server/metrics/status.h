// What a server is doing at this moment, as JSON: RUN/status.json, and what server/watch shows.
// docs/metrics.md lists the fields. Called on the server's executor.
#pragma once

#include <string>

#include "server/context.h"

namespace atl::server {

// The run, its state, its model; counts and names of clients, of denials, of the quarantine.
std::string status_json(const Context& context);
// Every client: where it is in the open round, when it was last heard of, what it has done.
std::string clients_json(const Context& context);
// The open round's cohort: when each client entered each phase, in seconds since the opening. null
// between rounds.
std::string cohort_json(const Context& context);

}  // namespace atl::server
