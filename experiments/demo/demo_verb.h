// `atoll demo`: experiments/quickstart.toml run for real: a server and client processes on this
// machine, mutual TLS between them, nothing shared but the network.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {
void add_demo_verb(CLI::App& app, Verbs& verbs);
}  // namespace atl::workbench
