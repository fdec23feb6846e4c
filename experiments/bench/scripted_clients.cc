#include "experiments/bench/scripted_clients.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include "client/enroll.h"
#include "client/federation_loop.h"
#include "common/net/tls_transport.h"
#include "experiments/bench/observed_session.h"
#include "experiments/bench/process.h"

namespace atl::bench {
namespace {

asio::awaitable<void> keep(asio::awaitable<Status> what, Status& outcome) {
  outcome = co_await std::move(what);
}

}  // namespace

std::string client_name(size_t client) { return "client" + std::to_string(client); }

client::ClientFolder client_folder(const std::string& server_folder, size_t client) {
  return {server_folder + "-" + client_name(client)};
}

asio::awaitable<void> keep_first_error(asio::awaitable<Status> what, Status& outcome,
                                       asio::io_context& io) {
  auto ended = co_await std::move(what);
  if (ended || !outcome) co_return;
  outcome = std::move(ended);
  io.stop();
}

Status enrol(const Cohort& cohort) {
  for (size_t k = 0; k < cohort.clients; ++k) {
    ATOLL_ASSIGN(auto token, output_of({cohort.server, "token", cohort.folder, client_name(k)}));
    while (!token.empty() && token.back() == '\n') token.pop_back();
    asio::io_context io(1);
    Status outcome;
    asio::co_spawn(
        io, keep(client::enroll(client_folder(cohort.folder, k), cohort.address, token), outcome),
        asio::detached);
    io.run();
    if (!outcome) return std::move(outcome).error().wrap("cannot enrol " + client_name(k));
  }
  return {};
}

Result<TcpBytes> run_clients(const Cohort& cohort) {
  ATOLL_ASSIGN(const auto parts, net::parse_address(cohort.address));
  const auto port = static_cast<uint16_t>(std::stoi(parts.port));
  asio::io_context io(1);
  asio::thread_pool pool(1);
  Status outcome;
  TcpBytes bytes;
  bool begun = false;
  size_t updates = 0;
  // Everything below is called on the one thread of `io`.
  Observer observer;
  observer.received = [&](const wire::Message& message) {
    // Offers of the initial model, of which the first wins, come before any model is sent.
    if (begun && std::holds_alternative<wire::Outcome>(message) &&
        ++updates == cohort.clients * cohort.rounds)
      bytes = tcp_bytes_to_port(port);
  };
  auto on_model = [&] {
    if (!begun) cohort.on_first_model();
    begun = true;
  };
  std::vector<std::unique_ptr<net::Connector>> connectors;
  for (size_t k = 0; k < cohort.clients; ++k) {
    const auto folder = client_folder(cohort.folder, k);
    net::TlsClient tls{folder.authority(), folder.certificate(), folder.key()};
    ATOLL_ASSIGN(auto plain, net::make_tls_connector(io.get_executor(), cohort.address, tls));
    connectors.push_back(observe(std::move(plain), observer));
    client::LoopOptions options;
    options.name = client_name(k);
    options.train_examples = 1;
    options.once = true;
    options.patience = std::chrono::minutes(10);
    auto factory = [&cohort, k, on_model](const wire::Welcome&) {
      return Result<std::unique_ptr<client::Trainer>>(
          std::make_unique<GeneratedTrainer>(cohort.manifest, k, nullptr, on_model));
    };
    asio::co_spawn(io,
                   keep_first_error(client::run_federation(*connectors.back(), factory,
                                                           pool.get_executor(), options),
                                    outcome, io),
                   asio::detached);
  }
  io.run();
  pool.join();
  ATOLL_TRY(outcome);
  return bytes;
}

}  // namespace atl::bench
