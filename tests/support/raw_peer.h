// A peer that writes what it likes: bytes over TCP, or over TLS, with no Session in between.
#pragma once

#include <asio/connect.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/ssl.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <memory>
#include <string>

#include "common/core/bytes.h"
#include "common/net/tls_transport.h"

namespace atl::testing {

class RawPeer {
 public:
  using Tcp = asio::ip::tcp;
  using Tls = asio::ssl::stream<Tcp::socket>;

  RawPeer(asio::any_io_executor executor, std::shared_ptr<asio::ssl::context> context)
      : executor_(executor), context_(std::move(context)) {
    if (context_ != nullptr)
      tls_ = std::make_unique<Tls>(executor, *context_);
    else
      plain_ = std::make_unique<Tcp::socket>(executor);
  }
  Tcp::socket& socket() { return tls_ != nullptr ? tls_->next_layer() : *plain_; }

  // Connects, and shakes hands where there is TLS. The error in words; empty on success.
  asio::awaitable<std::string> connect(std::string address) {
    const auto target = net::parse_address(address).value();
    asio::error_code error;
    const Tcp::endpoint endpoint(asio::ip::make_address(target.host),
                                 static_cast<uint16_t>(std::stoi(target.port)));
    co_await socket().async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (!error && tls_ != nullptr)
      co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                     asio::redirect_error(asio::use_awaitable, error));
    co_return error ? error.message() : std::string();
  }

  asio::awaitable<bool> write(Bytes bytes) {
    asio::error_code error;
    if (tls_ != nullptr)
      co_await asio::async_write(*tls_, asio::buffer(bytes.data(), bytes.size()),
                                 asio::redirect_error(asio::use_awaitable, error));
    else
      co_await asio::async_write(*plain_, asio::buffer(bytes.data(), bytes.size()),
                                 asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  // Writes one byte after each pause.
  asio::awaitable<bool> drip(Bytes bytes, std::chrono::milliseconds pause) {
    for (const std::byte b : bytes) {
      asio::steady_timer timer(executor_, pause);
      co_await timer.async_wait(asio::use_awaitable);
      Bytes one(1, b);
      const bool good = co_await write(std::move(one));
      if (!good) co_return false;
    }
    co_return true;
  }

  // What the next read brings; nothing when the other side has ended it.
  asio::awaitable<Bytes> read_some() {
    Bytes piece(4096);
    asio::error_code error;
    size_t got = 0;
    if (tls_ != nullptr)
      got = co_await tls_->async_read_some(asio::buffer(piece.data(), piece.size()),
                                           asio::redirect_error(asio::use_awaitable, error));
    else
      got = co_await plain_->async_read_some(asio::buffer(piece.data(), piece.size()),
                                             asio::redirect_error(asio::use_awaitable, error));
    piece.resize(got);
    co_return piece;
  }

  // Reads until the other side ends it.
  asio::awaitable<std::string> read_to_end() {
    std::array<char, 256> piece;
    asio::error_code error;
    while (!error) {
      if (tls_ != nullptr)
        co_await tls_->async_read_some(asio::buffer(piece),
                                       asio::redirect_error(asio::use_awaitable, error));
      else
        co_await plain_->async_read_some(asio::buffer(piece),
                                         asio::redirect_error(asio::use_awaitable, error));
    }
    co_return error.message();
  }

  // As a killed machine's kernel does it: a reset, nothing flushed.
  void reset() {
    asio::error_code ignored;
    socket().set_option(asio::socket_base::linger(true, 0), ignored);
    socket().close(ignored);
  }

 private:
  asio::any_io_executor executor_;
  std::shared_ptr<asio::ssl::context> context_;
  std::unique_ptr<Tls> tls_;
  std::unique_ptr<Tcp::socket> plain_;
};

}  // namespace atl::testing
