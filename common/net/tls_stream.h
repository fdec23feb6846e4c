// TLS over a TCP socket, straight: OpenSSL takes records from the socket and puts them there
// itself. Asio's ssl::stream stands four buffers of 17 KB between the two for each connection's
// whole life; here a connection that waits holds none (SSL_MODE_RELEASE_BUFFERS). Included by .cc
// files only.
#pragma once

#include <openssl/ssl.h>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <string>

#include "common/core/bytes.h"

namespace atl::net {

// Settings of a context that its streams rely on.
void tune_context(SSL_CTX* context);

// Everything happens on the socket's executor; one read and one write may be in progress at a time.
// After close() of the socket what is in progress ends with operation_aborted, and nothing touches
// the descriptor any more. Errors are the system's, asio::error::eof, ssl::error::stream_truncated
// (an end without a farewell), or of the category asio::error::get_ssl_category().
class TlsStream {
 public:
  enum class Side { kServer, kClient };
  // OpenSSL's own finding on a certificate of the peer's chain, and where it stands; returns the
  // one that holds.
  using Verify = std::function<bool(bool good, X509_STORE_CTX* at)>;

  TlsStream(asio::ip::tcp::socket socket, SSL_CTX* context, Side side);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  asio::ip::tcp::socket& next_layer() { return socket_; }
  SSL* native_handle() { return ssl_; }
  // Before the handshake.
  void set_verify(Verify verify);
  // The certificate must name this host, or this address. Before the handshake.
  void expect_host(const std::string& host);

  asio::awaitable<void> handshake(asio::error_code& error);
  // A server's side of one whose arithmetic is done on another executor, so that strangers' keys
  // and certificates take no time from the sessions of this one. The verifier is called there too.
  asio::awaitable<void> accept_aside(asio::any_io_executor aside, asio::error_code& error);
  // At least one byte, or an error; as much of what is there as fits.
  asio::awaitable<size_t> read_some(MutableByteView out, asio::error_code& error);
  asio::awaitable<size_t> write_some(ByteView bytes, asio::error_code& error);

 private:
  // What one call into OpenSSL came to.
  enum class Step { kDone, kWantsRead, kWantsWrite, kFailed };
  template <typename Call>
  Step step(const Call& call, asio::error_code& error);
  template <typename Call>
  Step attempt(const Call& call, asio::error_code& error);
  asio::awaitable<void> wait(Step wanted, asio::error_code& error);
  struct Way {                // one direction
    size_t moved = 0;         // bytes, since the others had their turn
    asio::error_code failed;  // after bytes that were handed over first
  };
  // Calls until everything has moved, it was a long turn, or OpenSSL has to wait after some bytes.
  template <typename Call>
  asio::awaitable<size_t> transfer(const Call& call, size_t size, Way& way,
                                   asio::error_code& error);
  static int verify(int good, X509_STORE_CTX* at);

  // What OpenSSL reads from and writes to: the socket; or, while it runs on another thread, which
  // must not touch the descriptor, the bytes that came and those that are to go.
  struct Line {
    asio::ip::tcp::socket* socket;
    bool aside = false;
    bool ended = false;  // nothing will follow `in`
    size_t taken = 0;    // of `in`
    std::string in, out;
  };
  static int bio_read(BIO* bio, char* bytes, int size);
  static int bio_write(BIO* bio, const char* bytes, int size);
  static const BIO_METHOD* line_method();
  asio::awaitable<void> fill_line(asio::error_code& error);
  asio::awaitable<void> flush_line(asio::error_code& error);

  asio::ip::tcp::socket socket_;
  Line line_{&socket_};
  SSL* ssl_;
  Verify verify_;
  Way reading_, writing_;
};

}  // namespace atl::net
