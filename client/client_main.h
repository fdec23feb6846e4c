// The whole of atoll-client as a function, for a program that adds models or norms of its own
// (docs/own_model.md). Torch-free header.
#pragma once

namespace atl::client {

// Parses the command line, does what it says, prints errors for a person; the exit status
// (docs/exit-codes.md). Takes SIGINT, SIGTERM and SIGUSR1 for itself while `run` lasts. Once a
// process: an interrupted training ends it.
int client_main(int argc, char** argv);

}  // namespace atl::client
