// A Session over a byte stream: a TCP socket, or TLS over one. Included by tls_transport.cc only.
#pragma once

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstring>

#include "common/net/transport.h"

namespace atl::net {

using Tcp = asio::ip::tcp;

// In words, with what to do about it; kIdentity for certificates, kNetwork for the rest.
Error explain_error(const asio::error_code& error, const std::string& doing);

// Closes a socket when nothing moved for a while. Activity costs one clock reading;
// the timer is armed once and looks again when it fires.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  explicit Watchdog(Tcp::socket& socket) : socket_(&socket), timer_(socket.get_executor()) {}

  void begin(Duration patience) {
    patience_ = patience;
    last_ = Clock::now();
    queued_ = unacknowledged(*socket_);
    watching_ = true;
    expired_ = false;
    // A timer armed for a longer patience would look too late.
    if (armed_ && timer_.expiry() > last_ + patience_) timer_.cancel(), armed_ = false;
    if (!armed_) arm();
  }
  void moved() { last_ = Clock::now(); }
  void end() { watching_ = false; }
  bool expired() const { return expired_; }
  void forget_socket() {
    socket_ = nullptr;
    timer_.cancel();
  }

 private:
  using Clock = std::chrono::steady_clock;
  void arm() {
    armed_ = true;
    timer_.expires_at(last_ + patience_);
    timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (!error) self->look();
    });
  }
  void look() {
    armed_ = false;
    if (socket_ == nullptr || !watching_) return;
    if (Clock::now() - last_ < patience_) return arm();
    // What was sent before may still be on its way over a slow link, and no answer can come before
    // it is there: as long as the other side takes bytes, it is not silent.
    const int queued = unacknowledged(*socket_);
    const bool taken = queued < queued_;
    queued_ = queued;
    if (taken) {
      last_ = Clock::now();
      return arm();
    }
    expired_ = true;
    // Closed, not cancelled: connecting to a name with several addresses would go on to the next
    // one, unwatched.
    asio::error_code ignored;
    socket_->close(ignored);
  }
  // Bytes sent that the other side's machine has not acknowledged.
  static int unacknowledged(Tcp::socket& socket) {
    int bytes = 0;
    return ::ioctl(socket.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
  }
  Tcp::socket* socket_;
  asio::steady_timer timer_;
  Clock::time_point last_;
  Duration patience_{};
  int queued_ = 0;
  bool watching_ = false, armed_ = false, expired_ = false;
};

inline Tcp::socket& socket_of(Tcp::socket& stream) { return stream; }
template <typename Stream>
Tcp::socket& socket_of(Stream& stream) {
  return stream.next_layer();
}

template <typename Stream>
class StreamSession : public Session {
 public:
  StreamSession(std::unique_ptr<Stream> stream, Peer peer)
      : stream_(std::move(stream)),
        peer_(std::move(peer)),
        reading_(std::make_shared<Watchdog>(socket_of(*stream_))),
        writing_(std::make_shared<Watchdog>(socket_of(*stream_))) {}
  ~StreamSession() override {
    close();
    reading_->forget_socket();
    writing_->forget_socket();
  }

  awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) override {
    ATOLL_CO_TRY(check_size(kind, head, body));
    const auto header =
        wire::encode(wire::FrameHeader{static_cast<uint32_t>(head.size() + body.size()), kind});
    // Header and a small head travel in one buffer, so that TLS makes one record of a small frame.
    small_.resize(header.size() + head.size());
    std::memcpy(small_.data(), header.data(), header.size());
    if (!head.empty()) std::memcpy(small_.data() + header.size(), head.data(), head.size());
    ATOLL_CO_TRY(co_await write_all(small_));
    if (!body.empty()) ATOLL_CO_TRY(co_await write_all(body));
    sent_ += header.size() + head.size() + body.size();
    co_return Status();
  }

  awaitable<Result<wire::FrameKind>> receive(Bytes& payload, Duration patience) override {
    std::array<std::byte, wire::kHeaderSize> raw;
    ATOLL_CO_TRY(co_await read_all(raw, patience));
    ATOLL_CO_ASSIGN(const auto header, wire::decode_header(raw));
    // A header costs its sender eight bytes; it does not make us allocate what it claims.
    payload.resize(std::min<size_t>(header.length, std::max(payload.size(), kFirstPiece)));
    for (size_t have = 0; have < header.length;) {
      ATOLL_CO_TRY(co_await read_all(MutableByteView(payload).subspan(have), patience));
      have = payload.size();
      payload.resize(std::min<size_t>(header.length, 2 * have));
    }
    received_ += raw.size() + payload.size();
    co_return header.kind;
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    asio::error_code ignored;
    socket_of(*stream_).shutdown(Tcp::socket::shutdown_both, ignored);
    socket_of(*stream_).cancel(ignored);
  }
  const Peer& peer() const override { return peer_; }
  uint64_t bytes_sent() const override { return sent_; }
  uint64_t bytes_received() const override { return received_; }

 private:
  static constexpr size_t kFirstPiece = 2 << 20;

  awaitable<Status> write_all(ByteView bytes) {
    writing_->begin(send_patience_);
    while (!bytes.empty()) {
      asio::error_code error;
      const size_t put =
          co_await stream_->async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                             asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return failed(error, "sending", *writing_, send_patience_);
      bytes = bytes.subspan(put);
      writing_->moved();
    }
    writing_->end();
    co_return Status();
  }

  awaitable<Status> read_all(MutableByteView out, Duration patience) {
    reading_->begin(patience);
    while (!out.empty()) {
      // TLS may hold bytes that arrived before close().
      if (closed_) co_return Error(ErrorCode::kNetwork, "the connection is closed");
      asio::error_code error;
      const size_t got = co_await stream_->async_read_some(
          asio::buffer(out.data(), out.size()), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return failed(error, "receiving", *reading_, patience);
      out = out.subspan(got);
      reading_->moved();
    }
    reading_->end();
    co_return Status();
  }

  Error failed(const asio::error_code& error, const char* doing, const Watchdog& watchdog,
               Duration patience) {
    if (closed_) return Error(ErrorCode::kNetwork, "the connection is closed");
    if (watchdog.expired()) {
      return Error(ErrorCode::kDeadline,
                   "nothing moved for " + std::to_string(patience.count()) + " ms while " + doing);
    }
    return explain_error(error, doing);
  }

  std::unique_ptr<Stream> stream_;
  Peer peer_;
  std::shared_ptr<Watchdog> reading_, writing_;
  Bytes small_;
  bool closed_ = false;
  uint64_t sent_ = 0, received_ = 0;
};

}  // namespace atl::net
