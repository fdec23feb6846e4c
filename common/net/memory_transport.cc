#include "common/net/memory_transport.h"

#include <deque>
#include <map>
#include <set>

#include "common/net/event.h"

namespace atl::net {
namespace {

constexpr size_t kQueue = 16;  // frames under way in one direction

struct Item {
  wire::FrameKind kind;
  Bytes payload;
};

// One direction of a link.
struct Pipe {
  explicit Pipe(const asio::any_io_executor& executor) : changed(executor) {}
  std::deque<Item> items;
  Event changed;
};

// Both directions, shared by the two ends.
struct Link {
  explicit Link(const asio::any_io_executor& executor) : up(executor), down(executor) {}
  Pipe up, down;
  bool closed = false;
  bool frozen = false;
  void notify() {
    up.changed.notify();
    down.changed.notify();
  }
};

Error gone() { return Error(ErrorCode::kNetwork, "the connection is closed"); }

class MemorySession : public Session {
 public:
  MemorySession(std::shared_ptr<Link> link, Pipe& in, Pipe& out, Peer peer)
      : link_(std::move(link)), in_(in), out_(out), peer_(std::move(peer)) {}
  ~MemorySession() override { close(); }

  awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) override {
    ATOLL_CO_TRY(check_size(kind, head, body));
    auto link = link_;  // outlives this session while we wait
    const auto until = std::chrono::steady_clock::now() + send_patience_;
    while (!link->closed && out_.items.size() >= kQueue) {
      const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0)
        co_return Error(ErrorCode::kDeadline,
                        "nothing was taken for " + std::to_string(send_patience_.count()) + " ms");
      co_await out_.changed.wait_for(left);
    }
    if (link->closed) co_return gone();
    Item item{kind, {}};
    item.payload.reserve(head.size() + body.size());
    item.payload.insert(item.payload.end(), head.begin(), head.end());
    item.payload.insert(item.payload.end(), body.begin(), body.end());
    sent_ += wire::kHeaderSize + item.payload.size();
    out_.items.push_back(std::move(item));
    out_.changed.notify();
    co_return Status();
  }

  awaitable<Result<wire::FrameKind>> receive(Bytes& payload, Duration patience) override {
    auto link = link_;
    const auto until = std::chrono::steady_clock::now() + patience;
    // What was sent before the other end closed still arrives.
    while (in_.items.empty() || link->frozen) {
      if (link->closed) co_return gone();
      const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0)
        co_return Error(ErrorCode::kDeadline,
                        "nothing arrived for " + std::to_string(patience.count()) + " ms");
      co_await in_.changed.wait_for(left);
    }
    Item item = std::move(in_.items.front());
    in_.items.pop_front();
    in_.changed.notify();
    received_ += wire::kHeaderSize + item.payload.size();
    ATOLL_CO_TRY(intake_.check(item.kind, item.payload.size()));
    if (intake_.hold && item.kind == wire::FrameKind::kControl)
      ATOLL_CO_TRY(intake_.hold(item.payload.size()));
    payload = std::move(item.payload);
    co_return item.kind;
  }

  void close() override {
    if (link_->closed) return;
    link_->closed = true;
    link_->notify();
  }
  const Peer& peer() const override { return peer_; }
  uint64_t bytes_sent() const override { return sent_; }
  uint64_t bytes_received() const override { return received_; }

 private:
  std::shared_ptr<Link> link_;
  Pipe& in_;
  Pipe& out_;
  Peer peer_;
  uint64_t sent_ = 0, received_ = 0;
};

}  // namespace

struct MemoryNetwork::Hub {
  explicit Hub(asio::any_io_executor io) : executor(std::move(io)), changed(executor) {}
  asio::any_io_executor executor;
  Event changed;
  bool listening = false;
  std::deque<std::unique_ptr<Session>> waiting;
  std::multimap<std::string, std::weak_ptr<Link>> links;
  std::set<std::string> frozen;
};

namespace {

class MemoryListener : public Listener {
 public:
  explicit MemoryListener(std::shared_ptr<MemoryNetwork::Hub> hub) : hub_(std::move(hub)) {
    hub_->listening = true;
  }
  ~MemoryListener() override { close(); }
  awaitable<Result<std::unique_ptr<Session>>> accept() override {
    auto hub = hub_;
    while (hub->waiting.empty()) {
      if (!hub->listening) co_return gone();
      co_await hub->changed.wait_for(std::chrono::hours(1));
    }
    auto session = std::move(hub->waiting.front());
    hub->waiting.pop_front();
    co_return std::move(session);
  }
  void close() override {
    hub_->listening = false;
    hub_->waiting.clear();
    hub_->changed.notify();
  }
  std::string address() const override { return "memory"; }

 private:
  std::shared_ptr<MemoryNetwork::Hub> hub_;
};

class MemoryConnector : public Connector {
 public:
  MemoryConnector(std::shared_ptr<MemoryNetwork::Hub> hub, std::string client)
      : hub_(std::move(hub)), client_(std::move(client)) {}
  awaitable<Result<std::unique_ptr<Session>>> connect() override {
    if (!hub_->listening) co_return Error(ErrorCode::kNetwork, "nobody listens");
    auto link = std::make_shared<Link>(hub_->executor);
    link->frozen = hub_->frozen.count(client_) != 0;
    // A client that comes back for weeks leaves nothing behind.
    auto [begin, end] = hub_->links.equal_range(client_);
    while (begin != end) begin = begin->second.expired() ? hub_->links.erase(begin) : next(begin);
    hub_->links.emplace(client_, link);
    hub_->waiting.push_back(std::make_unique<MemorySession>(link, link->up, link->down,
                                                            Peer{client_, "", "memory", true}));
    hub_->changed.notify();
    co_return std::make_unique<MemorySession>(link, link->down, link->up,
                                              Peer{"server", "", "memory", true});
  }
  std::string target() const override { return "memory"; }

 private:
  std::shared_ptr<MemoryNetwork::Hub> hub_;
  std::string client_;
};

}  // namespace

MemoryNetwork::MemoryNetwork(asio::any_io_executor executor)
    : hub_(std::make_shared<Hub>(std::move(executor))) {}
MemoryNetwork::~MemoryNetwork() = default;

std::shared_ptr<Listener> MemoryNetwork::make_listener() {
  return std::make_shared<MemoryListener>(hub_);
}
std::unique_ptr<Connector> MemoryNetwork::make_connector(const std::string& client) {
  return std::make_unique<MemoryConnector>(hub_, client);
}

void MemoryNetwork::cut(const std::string& client) {
  auto [begin, end] = hub_->links.equal_range(client);
  for (auto it = begin; it != end; ++it) {
    if (auto link = it->second.lock()) {
      link->closed = true;
      link->up.items.clear();
      link->down.items.clear();
      link->notify();
    }
  }
  hub_->links.erase(begin, end);
}

void MemoryNetwork::freeze(const std::string& client, bool frozen) {
  if (frozen)
    hub_->frozen.insert(client);
  else
    hub_->frozen.erase(client);
  auto [begin, end] = hub_->links.equal_range(client);
  for (auto it = begin; it != end; ++it) {
    if (auto link = it->second.lock()) {
      link->frozen = frozen;
      link->notify();
    }
  }
}

}  // namespace atl::net
