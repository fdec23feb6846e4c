// A real server in this process, on one thread, with peers over the in-memory transport that say
// what they like; for the target server_session.
#pragma once

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <deque>

#include "common/core/log.h"
#include "common/net/memory_transport.h"
#include "server/server.h"
#include "tests/fuzz/scratch.h"
#include "tests/fuzz/target.h"
#include "tests/support/tensors.h"

namespace atl::fuzz {

// One of everything that the server looks at: pooled statistics, a counter, every width.
inline Manifest served_manifest() {
  using testing::spec;
  return Manifest::make({spec("fc.weight", DType::kF32, {4, 3}, Role::kLinearWeight),
                         spec("bn.mean", DType::kF32, {2}, Role::kNormMean),
                         spec("bn.var", DType::kF32, {2}, Role::kNormVar),
                         spec("bn.count", DType::kI64, {}, Role::kNormCount),
                         spec("scale", DType::kF64, {1}, Role::kWsGain),
                         spec("half", DType::kBF16, {3}, Role::kBias),
                         spec("mask", DType::kU8, {3}, Role::kOtherBuffer)})
      .value();
}

// One peer: frames wait in `outbox` until the server takes them; what the server says is decoded,
// which it must always be.
struct Peer {
  explicit Peer(asio::any_io_executor executor) : changed(std::move(executor)) {}
  std::unique_ptr<net::Session> session;
  std::deque<std::pair<wire::FrameKind, Bytes>> outbox;
  net::Event changed;
  bool leaving = false, reading = true, writing = true;

  std::optional<wire::Grant> grant;
  uint64_t accepted = 0;
  bool awaiting_outcome = false;  // an offer whose fate is not known
};

class Served {
 public:
  explicit Served(server::RunConfig config)
      : server_(io_.get_executor(), io_.get_executor(), std::move(config)),
        network_(io_.get_executor()) {
    log::set_level(log::Level::kOff);
    ATOLL_CHECK(server_.open(folder_.file("run")).ok(), "a new folder");
    asio::co_spawn(io_, watch(), asio::detached);
    settle();
  }
  // Everybody leaves; the server is stopped, and nothing of it is left.
  ~Served() {
    for (auto& peer : peers_) leave(*peer);
    settle();
    server_.stop();
    while (!over_) step(std::chrono::milliseconds(100));
    settle();
    for (const auto& peer : peers_) ATOLL_CHECK(!peer->reading && !peer->writing, "all gone");
  }

  server::Server& server() { return server_; }
  const server::RunStore& store() { return *server_.context().store; }
  // Ended by itself, and how.
  bool over() const { return over_; }
  const Status& outcome() const { return outcome_; }
  // Updates that the server took, or may have taken without being able to say so.
  uint64_t taken_at_most() const {
    uint64_t count = 0;
    for (const auto& peer : peers_) count += peer->accepted + (peer->awaiting_outcome ? 1 : 0);
    return count;
  }

  Peer& connect(const std::string& name) {
    auto& peer = *peers_.emplace_back(std::make_unique<Peer>(io_.get_executor()));
    connectors_.push_back(network_.make_connector(name));
    asio::co_spawn(io_, begin(peer, *connectors_.back()), asio::detached);
    return peer;
  }
  void send(Peer& peer, wire::FrameKind kind, Bytes payload) {
    if (payload.size() > wire::max_payload(kind)) return;
    peer.outbox.emplace_back(kind, std::move(payload));
    peer.changed.notify();
  }
  void leave(Peer& peer) {
    peer.leaving = true;
    peer.changed.notify();
    if (peer.session != nullptr) peer.session->close();
  }

  // Runs what is ready, until nothing is.
  void settle() {
    do io_.restart();
    while (io_.poll() > 0);
  }
  // The same, and waits for at most this long for a timer.
  void step(std::chrono::milliseconds limit) {
    io_.restart();
    io_.run_one_for(limit);
    settle();
  }

 private:
  net::awaitable<void> watch() {
    outcome_ = co_await server_.run(network_.make_listener());
    over_ = true;
  }
  net::awaitable<void> begin(Peer& peer, net::Connector& connector) {
    auto session = co_await connector.connect();
    if (!session) {
      peer.reading = peer.writing = false;
      co_return;
    }
    peer.session = std::move(session).value();
    asio::co_spawn(io_, write(peer), asio::detached);
    co_await read(peer);
  }
  net::awaitable<void> write(Peer& peer) {
    while (!peer.leaving) {
      if (peer.outbox.empty()) {
        co_await peer.changed.wait_for(std::chrono::hours(1));
        continue;
      }
      const auto [kind, payload] = std::move(peer.outbox.front());
      peer.outbox.pop_front();
      const auto sent = co_await peer.session->send(kind, payload, {});
      if (!sent) break;
    }
    peer.writing = false;
  }
  net::awaitable<void> read(Peer& peer) {
    Bytes payload;
    for (;;) {
      const auto kind = co_await peer.session->receive(payload, std::chrono::hours(1));
      if (!kind) break;
      hear(peer, *kind, payload);
    }
    peer.reading = false;
    leave(peer);
  }
  static void hear(Peer& peer, wire::FrameKind kind, ByteView payload) {
    if (kind == wire::FrameKind::kChunk) {
      ByteView data;
      ATOLL_CHECK(wire::decode_chunk(payload, data).ok() && !data.empty(), "a good chunk");
      return;
    }
    const auto message = wire::decode(payload);
    ATOLL_CHECK(message.ok(), "a server says nothing malformed");
    if (const auto* grant = std::get_if<wire::Grant>(&*message)) peer.grant = *grant;
    if (const auto* outcome = std::get_if<wire::Outcome>(&*message)) {
      peer.accepted += outcome->accepted ? 1 : 0;
      peer.awaiting_outcome = false;
    }
  }

  ScratchFolder folder_;
  asio::io_context io_{1};
  server::Server server_;
  net::MemoryNetwork network_;
  std::vector<std::unique_ptr<net::Connector>> connectors_;
  std::vector<std::unique_ptr<Peer>> peers_;
  Status outcome_;
  bool over_ = false;
};

}  // namespace atl::fuzz
