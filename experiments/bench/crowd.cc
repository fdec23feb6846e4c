#include "experiments/bench/crowd.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include "client/federation_loop.h"
#include "common/core/file.h"
#include "common/net/event.h"
#include "common/net/identity.h"
#include "common/net/tls_transport.h"
#include "experiments/bench/generated_trainer.h"

namespace atl::bench {
namespace {

std::string name_of(size_t client) { return "c" + std::to_string(client); }
std::string certificate_of(const Crowd& crowd, size_t client) {
  return crowd.folder + "/" + name_of(client) + ".pem";
}

struct Member {
  std::unique_ptr<net::Connector> connector;
  client::TrainerFactory factory;
  client::LoopOptions options;
  net::Duration wait{0};
};

asio::awaitable<void> live(Member& member, asio::any_io_executor pool, CrowdOutcome& outcome,
                           asio::io_context& io) {
  net::Event never(io.get_executor());
  co_await never.wait_for(member.wait);
  auto ended =
      co_await client::run_federation(*member.connector, member.factory, pool, member.options);
  if (ended) {
    ++outcome.complete;
  } else if (outcome.first_error.empty()) {
    outcome.first_error = member.options.name + ": " + ended.error().message();
    io.stop();
  }
}

}  // namespace

Status sign_certificates(const Crowd& crowd) {
  ATOLL_TRY(make_folders(crowd.folder));
  const std::string identity = crowd.server_folder + "/identity/";
  ATOLL_ASSIGN(auto key, read_text(identity + "authority.key"));
  ATOLL_ASSIGN(auto certificate, read_text(identity + "authority.pem"));
  const net::KeyAndCertificate authority{std::move(key), std::move(certificate)};
  const auto now = std::chrono::system_clock::now();
  for (size_t k = 0; k < crowd.clients; ++k) {
    ATOLL_ASSIGN(const auto request, net::make_key_and_request(name_of(k)));
    ATOLL_ASSIGN(const auto pem, net::sign_client_request(authority, request.request_pem,
                                                          name_of(k), now, std::chrono::hours(24)));
    ATOLL_TRY(write_replace(certificate_of(crowd, k), pem));
    ATOLL_TRY(write_replace(certificate_of(crowd, k) + ".key", request.key_pem));
  }
  return {};
}

Result<CrowdOutcome> run_crowd(const Crowd& crowd) {
  asio::io_context io(1);
  asio::thread_pool pool(crowd.threads);
  CrowdOutcome outcome;
  std::vector<Member> members(crowd.clients);
  for (size_t k = 0; k < crowd.clients; ++k) {
    auto& member = members[k];
    const net::TlsClient tls{crowd.server_folder + "/identity/authority.pem",
                             certificate_of(crowd, k), certificate_of(crowd, k) + ".key"};
    ATOLL_ASSIGN(member.connector, net::make_tls_connector(io.get_executor(), crowd.address, tls));
    if (crowd.observer) member.connector = observe(std::move(member.connector), crowd.observer(k));
    member.options.name = name_of(k);
    member.options.train_examples = 1;
    member.options.say = [&outcome](const std::string& text) {
      outcome.reconnects += text.find("trying again") != std::string::npos;
    };
    member.factory = [&crowd, k](const wire::Welcome&) {
      GeneratedTrainer::OnRun train;
      if (crowd.train)
        train = [&crowd, k](const client::Task& task) { return crowd.train(k, task); };
      return Result<std::unique_ptr<client::Trainer>>(
          std::make_unique<GeneratedTrainer>(crowd.manifest, k, std::move(train)));
    };
    member.wait = std::chrono::duration_cast<net::Duration>(crowd.stagger * k);
    if (k + 1 == crowd.clients) member.wait += crowd.hold_last;
    asio::co_spawn(io, live(member, pool.get_executor(), outcome, io), asio::detached);
  }
  const auto until = std::chrono::steady_clock::now() + crowd.limit;
  while (!*crowd.leave && !io.stopped() && std::chrono::steady_clock::now() < until)
    io.run_for(std::chrono::milliseconds(100));
  pool.join();
  if (outcome.complete < crowd.clients && outcome.first_error.empty()) {
    outcome.first_error =
        "not complete within " + std::to_string(crowd.limit.count() / 1000) + " s";
  }
  return outcome;
}

}  // namespace atl::bench
