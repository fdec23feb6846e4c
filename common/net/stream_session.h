// A Session over a byte stream: a TCP socket, or TLS over one. Included by tls_transport.cc only.
#pragma once

#include <linux/sockios.h>
#include <netinet/tcp.h>
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

#include "common/net/tls_stream.h"
#include "common/net/transport.h"

namespace atl::net {

using Tcp = asio::ip::tcp;

// In words, with what to do about it; kIdentity for certificates, kNetwork for the rest.
Error explain_error(const asio::error_code& error, const std::string& doing);

// Closes a socket when nothing moved for a while, or when something is not over in time. Activity
// costs one clock reading; the timer is armed once and looks again when it fires.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  explicit Watchdog(Tcp::socket& socket) : socket_(&socket), timer_(socket.get_executor()) {}

  void begin(Duration patience) {
    patience_ = patience;
    last_ = Clock::now();
    queued_ = unacknowledged(*socket_);
    watching_ = true;
    expired_ = false;
    arm();
  }
  void moved() { last_ = Clock::now(); }
  // Movement or not, it is over by then.
  void set_due(std::chrono::steady_clock::time_point due) {
    due_ = due;
    if (watching_) arm();
  }
  void clear_due() { due_ = Clock::time_point::max(); }
  void end() { watching_ = false; }
  bool expired() const { return expired_; }
  bool overdue() const { return expired_ && Clock::now() >= due_; }
  void forget_socket() {
    socket_ = nullptr;
    timer_.cancel();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point limit() const { return std::min(last_ + patience_, due_); }
  void arm() {
    // A timer that fires too early looks again; one that fires too late is of no use.
    if (armed_ && timer_.expiry() <= limit()) return;
    armed_ = true;
    timer_.expires_at(limit());
    timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (!error) self->look();
    });
  }
  void look() {
    armed_ = false;
    if (socket_ == nullptr || !watching_) return;
    if (Clock::now() < limit()) return arm();
    // What was sent before may still be on its way over a slow link, and no answer can come before
    // it is there: as long as the other side takes bytes, it is not silent.
    const int queued = unacknowledged(*socket_);
    if (queued < queued_) last_ = std::max(last_, Clock::now() - since_acknowledgement(*socket_));
    queued_ = queued;
    if (Clock::now() < limit()) return arm();
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
  // A request that was acknowledged at once says nothing about the time that has passed since.
  static Clock::duration since_acknowledgement(Tcp::socket& socket) {
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
      return Clock::duration::max() / 2;
    return std::chrono::milliseconds(info.tcpi_last_ack_recv);
  }
  Tcp::socket* socket_;
  asio::steady_timer timer_;
  Clock::time_point last_, due_ = Clock::time_point::max();
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
awaitable<size_t> read_some(Stream& stream, MutableByteView out, asio::error_code& error) {
  co_return co_await stream.async_read_some(asio::buffer(out.data(), out.size()),
                                            asio::redirect_error(asio::use_awaitable, error));
}
template <typename Stream>
awaitable<size_t> write_some(Stream& stream, ByteView bytes, asio::error_code& error) {
  co_return co_await stream.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                             asio::redirect_error(asio::use_awaitable, error));
}
inline awaitable<size_t> read_some(TlsStream& stream, MutableByteView out,
                                   asio::error_code& error) {
  return stream.read_some(out, error);
}
inline awaitable<size_t> write_some(TlsStream& stream, ByteView bytes, asio::error_code& error) {
  return stream.write_some(bytes, error);
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
    arrived_ = 0;
    reading_->clear_due();
    ATOLL_CO_TRY(co_await read_all(raw, patience));
    ATOLL_CO_ASSIGN(const auto header, wire::decode_header(raw));
    ATOLL_CO_TRY(intake_.check(header.kind, header.length));
    // A header costs its sender eight bytes; it does not make us allocate what it claims.
    const bool control = header.kind == wire::FrameKind::kControl;
    const size_t first = std::max(payload.size(), control ? kFirstControl : kFirstChunk);
    ATOLL_CO_TRY(grow(payload, std::min<size_t>(header.length, first), control));
    for (size_t have = 0; have < header.length;) {
      ATOLL_CO_TRY(co_await read_all(MutableByteView(payload).subspan(have), patience));
      have = payload.size();
      ATOLL_CO_TRY(grow(payload, std::min<size_t>(header.length, 2 * have), control));
    }
    received_ += raw.size() + payload.size();
    co_return header.kind;
  }

  awaitable<void> linger(Duration limit) override {
    asio::error_code error;
    socket_of(*stream_).shutdown(Tcp::socket::shutdown_send, error);
    reading_->begin(limit);
    reading_->set_due(std::chrono::steady_clock::now() + limit);
    std::array<std::byte, 16 << 10> dropped;
    for (size_t left = kMostDropped; !error && left > 0;) {
      const size_t got = co_await socket_of(*stream_).async_read_some(
          asio::buffer(dropped), asio::redirect_error(asio::use_awaitable, error));
      left -= std::min(left, got);
    }
    reading_->end();
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
  static constexpr size_t kFirstControl = 64 << 10, kFirstChunk = 2 << 20;
  static constexpr size_t kMostDropped = 64 << 20;

  Status grow(Bytes& payload, size_t size, bool control) {
    if (control && intake_.hold) ATOLL_TRY(intake_.hold(size));
    payload.resize(size);
    return {};
  }
  // Each piece of a frame moves the moment at which the frame has to be whole.
  void keep_pace(size_t got) {
    if (intake_.pace == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (arrived_ == 0) begun_ = now;
    arrived_ += got;
    const auto earned = std::chrono::milliseconds(arrived_ * 1000 / intake_.pace);
    reading_->set_due(begun_ + intake_.grace + earned);
  }

  awaitable<Status> write_all(ByteView bytes) {
    writing_->begin(send_patience_);
    while (!bytes.empty()) {
      asio::error_code error;
      const size_t put = co_await write_some(*stream_, bytes, error);
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
      const size_t got = co_await read_some(*stream_, out, error);
      if (error) co_return failed(error, "receiving", *reading_, patience);
      out = out.subspan(got);
      reading_->moved();
      keep_pace(got);
    }
    reading_->end();
    co_return Status();
  }

  Error failed(const asio::error_code& error, const char* doing, const Watchdog& watchdog,
               Duration patience) {
    if (closed_) return Error(ErrorCode::kNetwork, "the connection is closed");
    if (watchdog.overdue())
      return Error(ErrorCode::kDeadline, std::string(doing) + " took too long");
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
  uint64_t arrived_ = 0;  // of the frame under way
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace atl::net
