// A session around another one: passes everything on. What adds something to sessions derives from
// it and overrides what it adds to.
#pragma once

#include <memory>
#include <utility>

#include "common/net/transport.h"

namespace atl::net {

class SessionAround : public Session {
 public:
  explicit SessionAround(std::unique_ptr<Session> inner) : inner_(std::move(inner)) {}

  awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) override {
    return inner_->send(kind, head, body);
  }
  awaitable<Result<wire::FrameKind>> receive(Bytes& payload, Duration patience) override {
    return inner_->receive(payload, patience);
  }
  void close() override { inner_->close(); }
  awaitable<void> linger(Duration limit) override { return inner_->linger(limit); }
  const Peer& peer() const override { return inner_->peer(); }
  uint64_t bytes_sent() const override { return inner_->bytes_sent(); }
  uint64_t bytes_received() const override { return inner_->bytes_received(); }
  void set_send_patience(Duration patience) override { inner_->set_send_patience(patience); }
  void set_intake(Intake intake) override { inner_->set_intake(std::move(intake)); }

 protected:
  Session& inner() { return *inner_; }

 private:
  std::unique_ptr<Session> inner_;
};

}  // namespace atl::net
