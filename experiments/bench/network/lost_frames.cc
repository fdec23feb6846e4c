#include "experiments/bench/network/lost_frames.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <thread>
#include <utility>

#include "client/certificate_request.h"
#include "client/federation_loop.h"
#include "common/core/file.h"
#include "common/net/event.h"
#include "common/net/identity.h"
#include "common/net/session_around.h"
#include "common/net/tls_transport.h"
#include "common/net/token.h"
#include "experiments/bench/generated_trainer.h"
#include "server/admin/secured.h"
#include "server/server.h"

namespace atl::bench {
namespace {

using net::awaitable;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kModel = 64 << 10;
constexpr uint32_t kRounds = 2;
constexpr const char* kName = "a";

template <size_t... I>
std::vector<std::string> names_of(std::index_sequence<I...>) {
  return {std::string(wire::name_of(wire::Message(std::in_place_index<I>)))...};
}

class LosingSession : public net::SessionAround {
 public:
  LosingSession(std::unique_ptr<net::Session> inner, Losing& losing)
      : SessionAround(std::move(inner)), losing_(losing) {}

  awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) override {
    if (kind == wire::FrameKind::kControl && losing_.loses(head)) co_return Status();
    co_return co_await inner().send(kind, head, body);
  }
  awaitable<Result<wire::FrameKind>> receive(Bytes& payload, net::Duration patience) override {
    const auto until = Clock::now() + patience;
    for (;;) {
      const auto left = std::chrono::ceil<net::Duration>(until - Clock::now());
      ATOLL_CO_ASSIGN(const auto kind,
                      co_await inner().receive(payload, std::max(left, net::Duration(1))));
      if (kind != wire::FrameKind::kControl || !losing_.loses(payload)) co_return kind;
    }
  }

 private:
  Losing& losing_;
};

class LosingConnector : public net::Connector {
 public:
  LosingConnector(std::unique_ptr<net::Connector> inner, Losing& losing)
      : inner_(std::move(inner)), losing_(losing) {}
  awaitable<Result<std::unique_ptr<net::Session>>> connect() override {
    ATOLL_CO_ASSIGN(auto session, co_await inner_->connect());
    co_return std::make_unique<LosingSession>(std::move(session), losing_);
  }
  std::string target() const override { return inner_->target(); }

 private:
  std::unique_ptr<net::Connector> inner_;
  Losing& losing_;
};

// One client's life, from its token to its bye.
class Life {
 public:
  Life(server::Server& server, std::string address, std::string folder, Losing& losing,
       const FramePace& pace, asio::any_io_executor pool)
      : server_(server),
        address_(std::move(address)),
        folder_(std::move(folder)),
        losing_(losing),
        pace_(pace),
        pool_(std::move(pool)) {}

  awaitable<Status> live(std::string token_text) {
    ATOLL_CO_ASSIGN(const auto token, net::parse_token(token_text));
    ATOLL_CO_ASSIGN(const auto made, net::make_key_and_request(kName));
    ATOLL_CO_TRY(make_folders(folder_));
    ATOLL_CO_TRY(write_secret(file("key"), made.key_pem));
    net::TlsClient tls;
    tls.pinned_authority = token.fingerprint;
    ATOLL_CO_ASSIGN(const auto stranger, connector(tls));
    wire::Message request = wire::Enrol{token_text, made.request_pem};
    ATOLL_CO_ASSIGN(const auto enrolled,
                    co_await client::ask_for_certificate(*stranger, std::move(request), kName, "",
                                                         pace_.certificate));
    ATOLL_CO_TRY(keep(enrolled.certificate_pem));
    ATOLL_CO_TRY(write_atomic(file("authority"), enrolled.authority_pem));

    ATOLL_CO_ASSIGN(const auto known, connector(own_tls()));
    wire::Renew renewal;
    renewal.csr_pem = made.request_pem;
    request = std::move(renewal);
    ATOLL_CO_ASSIGN(const auto renewed, co_await client::ask_for_certificate(
                                            *known, std::move(request), kName,
                                            enrolled.authority_pem, pace_.certificate));
    ATOLL_CO_TRY(keep(renewed.certificate_pem));
    co_return co_await train();
  }

 private:
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  Status keep(const std::string& certificate) {
    return write_atomic(file("certificate"), certificate);
  }
  Result<std::unique_ptr<net::Connector>> connector(const net::TlsClient& tls) {
    ATOLL_ASSIGN(auto plain, net::make_tls_connector(server_.context().executor, address_, tls));
    return losing_.wrap(std::move(plain));
  }

  net::TlsClient own_tls() const {
    return {file("authority"), file("certificate"), file("key"), ""};
  }
  awaitable<Status> train() {
    // The server has no room for the first connection.
    auto& limits = server_.context().door.limits;
    const auto sessions = std::exchange(limits.sessions, 0);
    losing_.on_message = [&limits, sessions](const wire::Message& message) {
      if (std::holds_alternative<wire::Refused>(message)) limits.sessions = sessions;
    };
    ATOLL_CO_ASSIGN(const auto known, connector(own_tls()));
    client::LoopOptions options;
    options.name = kName;
    options.train_examples = 1;
    options.patience = pace_.patience;
    options.heartbeat = pace_.heartbeat;
    options.retry_least = pace_.pause;
    const client::TrainerFactory factory = [training = pace_.training](const wire::Welcome&) {
      auto train = [training](const client::Task& task) -> Status {
        if (task.round == 1) std::this_thread::sleep_for(training);
        return {};
      };
      return Result<std::unique_ptr<client::Trainer>>(std::make_unique<GeneratedTrainer>(
          generated_manifest(kModel, 2, false).value(), 0, train));
    };
    co_return co_await client::run_federation(*known, factory, pool_, options);
  }

  server::Server& server_;
  std::string address_, folder_;
  Losing& losing_;
  const FramePace& pace_;
  asio::any_io_executor pool_;
};

// Either side's end; both together are the run's. A server without its client has nothing to do.
awaitable<void> watch_client(awaitable<Status> life, std::optional<Status>& ended,
                             server::Server& server) {
  ended = co_await std::move(life);
  if (!*ended) server.stop();
}
awaitable<void> watch_server(awaitable<Status> run, std::optional<Status>& ended) {
  ended = co_await std::move(run);
}

std::string problem_of(const char* who, const std::optional<Status>& ended) {
  if (!ended) return std::string(who) + " did not end";
  return *ended ? "" : std::string(who) + ": " + ended->error().message();
}

}  // namespace

const std::vector<std::string>& Losing::kinds() {
  static const auto names =
      names_of(std::make_index_sequence<std::variant_size_v<wire::Message>>{});
  return names;
}

std::string LostFrame::name() const {
  return Losing::kinds().at(kind) + " " + std::to_string(number);
}

std::unique_ptr<net::Connector> Losing::wrap(std::unique_ptr<net::Connector> inner) {
  return std::make_unique<LosingConnector>(std::move(inner), *this);
}

bool Losing::loses(ByteView payload) {
  const auto message = wire::decode(payload);
  if (!message) return false;
  const size_t number = ++counts_[message->index()];
  on_message(*message);
  return lost_ && lost_->kind == message->index() && lost_->number == number;
}

Result<FrameRun> run_without(std::optional<LostFrame> lost, const std::string& folder,
                             const FramePace& pace, net::Duration limit) {
  ATOLL_TRY(make_folders(folder));
  server::ServerFolder served{folder + "/server"};
  ATOLL_TRY(server::init_folder(served, {}, "127.0.0.1:7070"));
  ATOLL_ASSIGN(auto token, server::issue_token(served, kName, std::chrono::hours(1)));
  asio::io_context io(1);
  asio::thread_pool pool(2);
  server::RunConfig config;
  config.rounds = kRounds;
  config.evaluate_every = 0;
  config.poll = pace.poll;
  server::Server server(io.get_executor(), pool.get_executor(), config);
  server.context().bye_within = pace.bye_within;
  server::SecuredFolder secured(served);
  ATOLL_ASSIGN(auto listener,
               net::listen_tls(io.get_executor(), "127.0.0.1:0", secured.attach(server.context())));
  ATOLL_TRY(server.open(served.run()));

  FrameRun run;
  run.lost = lost;
  Losing losing(lost);
  std::optional<Status> server_ended, client_ended;
  Life life(server, listener->address(), folder + "/client", losing, pace, pool.get_executor());
  const auto begun = Clock::now();
  asio::co_spawn(io, watch_server(server.run(listener), server_ended), asio::detached);
  asio::co_spawn(io, watch_client(life.live(std::move(token)), client_ended, server),
                 asio::detached);
  while ((!server_ended || !client_ended) && Clock::now() - begun < limit)
    io.run_one_for(net::Duration(100));
  run.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  if (!server_ended) {
    server.stop();
    while (!server_ended) io.run_one();
  }
  pool.join();
  run.problem = problem_of("the client", client_ended);
  if (run.problem.empty()) run.problem = problem_of("the server", server_ended);
  if (run.problem.empty()) run.model = hex(server.context().store->model_digest());
  run.counts = losing.counts();
  return run;
}

double allowed_cost(const LostFrame& lost, const FramePace& pace) {
  const wire::Message bye = wire::Bye{}, next_task = wire::NextTask{}, task = wire::Task{};
  auto wait = std::max(pace.patience, pace.certificate) + pace.pause;
  if (lost.kind == next_task.index() || lost.kind == task.index()) wait += pace.poll;
  if (lost.kind == bye.index()) wait = server::Registry::kComeBack;
  return std::chrono::duration<double>(wait).count();
}

}  // namespace atl::bench
