// Clients of a real server that are enrolled as a person would enrol them and then send generated
// updates, all on one thread with a pool beside it.
#pragma once

#include <functional>
#include <string>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include "client/enroll.h"
#include "experiments/bench/generated_trainer.h"
#include "experiments/bench/tcp_bytes.h"

namespace atl::bench {

// Client K of the server in this folder: its name, and its own folder beside the server's.
std::string client_name(size_t client);
client::ClientFolder client_folder(const std::string& server_folder, size_t client);

// Awaits `what`. When it ends with an error, the first of all, that becomes `outcome`, and `io`
// stops.
asio::awaitable<void> keep_first_error(asio::awaitable<Status> what, Status& outcome,
                                       asio::io_context& io);

struct Cohort {
  std::string server;   // program
  std::string folder;   // of the server; client K keeps its identity in FOLDER-client-K
  std::string address;  // where the server listens
  size_t clients = 1;
  uint32_t rounds = 1;
  Manifest manifest;
  std::function<void()> on_first_model = [] {};
};

// Tokens from the server's program, keys made here, certificates signed by the running server.
Status enrol(const Cohort& cohort);
// Runs all clients until the run is complete. The bytes of their connections, counted when the last
// update of the last round had been taken.
Result<TcpBytes> run_clients(const Cohort& cohort);

}  // namespace atl::bench
