#include "server/server.h"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "common/core/fault.h"
#include "common/core/log.h"
#include "server/admission/revocation_watch.h"
#include "server/client_session.h"
#include "server/metrics/events.h"
#include "server/round_loop.h"

namespace atl::server {

using net::awaitable;

namespace {
// How long a finished server waits for clients that have heard the news to close their connections.
// Those that have not heard it may take Registry::kComeBack.
constexpr net::Duration kFarewell = std::chrono::seconds(5);
}  // namespace

Server::Server(asio::any_io_executor executor, asio::any_io_executor compute, RunConfig config)
    : context_(std::move(executor), std::move(compute), std::move(config)),
      stop_signal_(std::make_shared<asio::cancellation_signal>()) {}

Status Server::open(const std::string& folder) {
  ATOLL_ASSIGN(context_.store,
               RunStore::open(folder, to_toml(context_.config), context_.config.keep));
  ATOLL_ASSIGN(context_.quarantine,
               Quarantine::open(folder + "/quarantine.json", context_.config.quarantine_after));
  return {};
}

awaitable<void> Server::serve(std::unique_ptr<net::Session> session) {
  session = context_.flight.record(std::move(session));
  auto* raw = session.get();
  sessions_.insert(raw);
  const std::function<void()> on_end = [this, raw] { sessions_.erase(raw); };
  co_await serve_client(std::move(session), context_, on_end);
  context_.changed.notify();
}

awaitable<void> Server::accept_loop(std::shared_ptr<net::Listener> listener) {
  accepting_ = true;
  for (;;) {
    auto session = co_await listener->accept();
    if (!session) break;
    if (!fault::point("accept")) continue;
    asio::co_spawn(context_.executor, serve(std::move(session).value()), asio::detached);
  }
  accepting_ = false;
  context_.changed.notify();
}

awaitable<Status> Server::run(std::shared_ptr<net::Listener> listener) {
  if (stopped_) co_return Error(ErrorCode::kInterrupted, "the server was stopped");
  asio::co_spawn(context_.executor, accept_loop(listener), asio::detached);
  RevocationWatch watch(context_);
  asio::co_spawn(context_.executor, watch.run(), asio::detached);

  // The loop is a coroutine of its own, so that stop() can end it wherever it waits.
  auto outcome = std::make_shared<Status>(Error(ErrorCode::kInterrupted, "the server was stopped"));
  auto over = std::make_shared<bool>(false);
  struct Runner {
    static awaitable<void> go(Context& context, std::shared_ptr<Status> outcome) {
      RoundLoop loop(context);
      *outcome = co_await loop.run();
    }
  };
  asio::co_spawn(
      context_.executor, Runner::go(context_, outcome),
      asio::bind_cancellation_slot(stop_signal_->slot(), [this, over](std::exception_ptr) {
        *over = true;
        context_.changed.notify();
      }));
  while (!*over) co_await context_.changed.wait_for(std::chrono::hours(1));

  if (context_.finished) {
    const auto begun = std::chrono::steady_clock::now();
    auto waited = [begun](net::Duration limit) {
      return std::chrono::steady_clock::now() - begun >= limit;
    };
    // A client that waits for a task on a connection that is lost notices after the poll and its
    // own patience of 20 s, and then has to connect.
    const auto most = std::max<net::Duration>(Registry::kComeBack,
                                              context_.config.poll + std::chrono::seconds(30));
    while (!stopped_ && !waited(most)) {
      const bool here = !sessions_.empty() && !waited(kFarewell);
      if (!here && context_.registry.awaited() + context_.registry.connected() == 0) break;
      co_await context_.changed.wait_for(std::chrono::seconds(1));
    }
  }
  listener->close();
  watch.stop();
  for (auto* session : sessions_) session->close();
  context_.live.clear();  // who waits for something to do need not wait on
  context_.changed.notify();
  // Nothing of this server is left on the executor when run() returns.
  while (accepting_ || !sessions_.empty() || watch.running())
    co_await context_.changed.wait_for(std::chrono::milliseconds(100));
  co_return std::move(*outcome);
}

void Server::drain() {
  context_.draining = true;
  emit_draining(context_);
  context_.changed.notify();
  if (context_.round != nullptr) context_.round->changed().notify();
}

void Server::stop() {
  stopped_ = true;
  stop_signal_->emit(asio::cancellation_type::terminal);
  context_.changed.notify();
}

}  // namespace atl::server
