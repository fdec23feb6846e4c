// Transport and Session: ordered, reliable, bounded frames between two parties. Two
// implementations, under one contract suite (tests/contract): TLS 1.3 over TCP with certificates on
// both sides (tls_transport.h), and an in-memory pair for simulation and tests
// (memory_transport.h).
//
// Threads: everything of one session happens on the executor that it was made with; nothing here is
// thread-safe. A session has at most one receive() and one send() in progress at a time, and is not
// destroyed while one is. After the first error of either the session is of no more use.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/wire/frame.h"

namespace atl::net {

using asio::awaitable;
using Duration = std::chrono::milliseconds;

// Who is at the other end, as far as the transport has proof.
struct Peer {
  std::string name;     // common name of the verified certificate; empty when the peer showed none
  std::string serial;   // certificate's serial number in hex; empty likewise
  std::string address;  // "127.0.0.1:40112", for the log
  bool authenticated = false;
  // The certificate is this authority's and not revoked, but has expired a while ago. Not
  // authenticated: whoever shows it may ask for a new one, and do nothing else.
  bool expired = false;
};

// What a receive() takes, within wire::max_payload(kind). As it stands: everything.
struct Intake {
  uint32_t control = wire::max_payload(wire::FrameKind::kControl);  // bytes; 0: none may come now
  uint32_t chunk = wire::max_payload(wire::FrameKind::kChunk);      // likewise
  // The least pace of a frame that has begun: it is whole after `grace`, and one second more for
  // every `pace` bytes of it. 0: any pace.
  uint32_t pace = 0;
  Duration grace{0};
  // Asked before the memory of a control frame grows to so many bytes; its error is receive()'s.
  std::function<Status(uint64_t bytes)> hold;

  Status check(wire::FrameKind kind, uint64_t length) const {
    const uint32_t limit = kind == wire::FrameKind::kControl ? control : chunk;
    if (length <= limit && limit > 0) return {};
    if (limit == 0) {
      return Error(ErrorCode::kProtocol, kind == wire::FrameKind::kControl
                                             ? "a message where a chunk belongs"
                                             : "a chunk where a message belongs");
    }
    return Error(ErrorCode::kProtocol, "a frame of " + std::to_string(length) +
                                           " bytes where at most " + std::to_string(limit) +
                                           " are taken");
  }
};

class Session {
 public:
  virtual ~Session() = default;

  // Sends one frame: header, then `head`, then `body` (either may be empty). The views stay alive
  // until it returns. kDeadline when no byte could be handed over for the send patience; kNetwork
  // when the connection is gone; kProtocol when head and body together are over
  // wire::max_payload(kind).
  virtual awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) = 0;

  // Receives the next frame into `payload` (resized; its capacity is kept between calls). Sizes are
  // checked against wire::max_payload(kind) before anything is allocated, and memory grows with
  // what arrives, not with what a header claims. kDeadline when nothing at all arrives for
  // `patience`: every piece that arrives starts the time anew. kProtocol, before its payload is
  // read, on a frame that the intake does not take; kDeadline on one that is slower than its pace.
  virtual awaitable<Result<wire::FrameKind>> receive(Bytes& payload, Duration patience) = 0;

  // Ends both directions; pending operations complete with kNetwork. May be called more than once.
  virtual void close() = 0;
  // Ends the sending direction, and drops what still arrives until the other side ends its own, for
  // at most `limit`: closing at once would cost the other side what it has not read yet. Nothing is
  // in progress. Then close().
  virtual awaitable<void> linger(Duration /*limit*/) { co_return; }

  virtual const Peer& peer() const = 0;
  virtual uint64_t bytes_sent() const = 0;  // frames with their headers, without TLS's own overhead
  virtual uint64_t bytes_received() const = 0;

  // How long the other side may take no byte at all before a send gives up. A session around
  // another passes both of these on.
  virtual void set_send_patience(Duration patience) { send_patience_ = patience; }
  // Holds from the next receive() on.
  virtual void set_intake(Intake intake) { intake_ = std::move(intake); }

 protected:
  static Status check_size(wire::FrameKind kind, ByteView head, ByteView body) {
    const uint64_t size = uint64_t{head.size()} + body.size();
    if (size <= wire::max_payload(kind)) return {};
    return Error(ErrorCode::kProtocol,
                 "a frame of " + std::to_string(size) + " bytes is over the limit");
  }
  Duration send_patience_{60'000};
  Intake intake_;
};

class Listener {
 public:
  virtual ~Listener() = default;
  // The next session whose handshake succeeded. Failed handshakes are logged and counted, never
  // returned; they do not delay others. kNetwork after close().
  virtual awaitable<Result<std::unique_ptr<Session>>> accept() = 0;
  virtual void close() = 0;
  virtual std::string address() const = 0;  // "127.0.0.1:7070", with the port that was really bound
  // Reads the files of its certificate and key again, where it has any: handshakes that begin later
  // show those. kIdentity when they cannot be used; everything stays as it was.
  virtual Status reload_identity() { return {}; }
};

// Makes outbound sessions to one server.
class Connector {
 public:
  virtual ~Connector() = default;
  virtual awaitable<Result<std::unique_ptr<Session>>> connect() = 0;
  virtual std::string target() const = 0;
};

}  // namespace atl::net
