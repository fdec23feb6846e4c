// TLS over a TCP socket, a batch of records at a time. Included by tls_transport.cc and its tests
// only.
//
// Asio's own ssl::stream asks the kernel once for every record (16 KiB), and a queue of small
// operations costs more than the cipher. Here OpenSSL reads from and writes to memory; one socket
// operation moves up to kBatch bytes of records. Batches pass through Asio, so that sessions which
// share a thread take turns.
//
// Threads: as for Session: one executor, at most one read_some() and one write() at a time.
#pragma once

#include <openssl/ssl.h>

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream_base.hpp>
#include <functional>
#include <memory>

#include "common/core/bytes.h"

namespace atl::net {

class TlsStream {
 public:
  using Socket = asio::ip::tcp::socket;
  // Memory: two batches a stream, held while it is in use.
  static constexpr size_t kBatch = 128 << 10;

  // The context must outlive the stream.
  TlsStream(Socket socket, asio::ssl::context& context);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream();

  Socket& next_layer() { return socket_; }
  SSL* native_handle() { return ssl_.get(); }

  // Errors are those of Asio's ssl::stream: the SSL category, or the socket's own.
  asio::awaitable<asio::error_code> handshake(asio::ssl::stream_base::handshake_type type);
  // At least one byte, unless `error` is set; as many of `out` as are at hand. asio::error::eof
  // when the other side ended the stream in order.
  asio::awaitable<size_t> read_some(MutableByteView out, asio::error_code& error);
  // Takes up to a batch from the front of `bytes`; returns how many, when the socket has them.
  asio::awaitable<size_t> write_some(ByteView bytes, asio::error_code& error);

 private:
  struct Link;  // the BIO between OpenSSL and the batches
  asio::awaitable<asio::error_code> flush();
  asio::awaitable<asio::error_code> fill();
  // Why OpenSSL could not go on; would_block when it waits for bytes from the other side.
  asio::error_code reason(int returned);

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Socket socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  // Records that arrived and are not decrypted yet: [in_begin_, in_end_) of in_.
  Bytes in_;
  size_t in_begin_ = 0, in_end_ = 0;
  bool in_over_ = false;
  asio::error_code later_;  // met behind bytes that were handed out first
  // Records to send: out_ grows while sending_ is under way.
  Bytes out_, sending_;
};

}  // namespace atl::net
