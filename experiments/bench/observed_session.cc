#include "experiments/bench/observed_session.h"

#include "common/net/session_around.h"

namespace atl::bench {
namespace {

using net::awaitable;

class ObservedSession : public net::SessionAround {
 public:
  ObservedSession(std::unique_ptr<net::Session> inner, Observer observer)
      : SessionAround(std::move(inner)), observer_(std::move(observer)) {}

  awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) override {
    if (kind == wire::FrameKind::kControl) {
      if (auto message = wire::decode(head)) observer_.sent(*message);
    }
    return inner().send(kind, head, body);
  }
  awaitable<Result<wire::FrameKind>> receive(Bytes& payload, net::Duration patience) override {
    ATOLL_CO_ASSIGN(const auto kind, co_await inner().receive(payload, patience));
    if (kind == wire::FrameKind::kControl) {
      if (auto message = wire::decode(payload)) observer_.received(*message);
    }
    co_return kind;
  }

 private:
  Observer observer_;
};

class ObservedConnector : public net::Connector {
 public:
  ObservedConnector(std::unique_ptr<net::Connector> inner, Observer observer)
      : inner_(std::move(inner)), observer_(std::move(observer)) {}
  awaitable<Result<std::unique_ptr<net::Session>>> connect() override {
    ATOLL_CO_ASSIGN(auto session, co_await inner_->connect());
    co_return std::make_unique<ObservedSession>(std::move(session), observer_);
  }
  std::string target() const override { return inner_->target(); }

 private:
  std::unique_ptr<net::Connector> inner_;
  Observer observer_;
};

}  // namespace

std::unique_ptr<net::Connector> observe(std::unique_ptr<net::Connector> inner, Observer observer) {
  return std::make_unique<ObservedConnector>(std::move(inner), std::move(observer));
}

}  // namespace atl::bench
