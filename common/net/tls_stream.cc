#include "common/net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/ssl/error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "common/net/offload.h"

namespace atl::net {
namespace {

using Tcp = asio::ip::tcp;

// A session that never has to wait still lets the others of its thread have a turn after so much.
constexpr size_t kTurn = 256 << 10;
// So many records may come with one call into the kernel.
constexpr size_t kReadBuffer = 64 << 10;

// More than a client's first flight, and less than its longest chain of certificates.
constexpr size_t kHandshakeRead = 16 << 10;

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

int stream_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

asio::error_code openssl_error() {
  const auto code = ERR_get_error();
  if (code == 0) return asio::error::eof;
  if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
      ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return asio::ssl::error::stream_truncated;
  }
  if (ERR_SYSTEM_ERROR(code))
    return asio::error_code(ERR_GET_REASON(code), asio::error::get_system_category());
  return asio::error_code(static_cast<int>(code), asio::error::get_ssl_category());
}

}  // namespace

// OpenSSL's own socket BIO raises SIGPIPE when the other side is gone.
int TlsStream::bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto& line = *static_cast<Line*>(BIO_get_data(bio));
  if (line.aside) {
    line.out.append(bytes, static_cast<size_t>(size));
    return size;
  }
  const auto put = ::send(line.socket->native_handle(), bytes, static_cast<size_t>(size),
                          MSG_NOSIGNAL | MSG_DONTWAIT);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

int TlsStream::bio_read(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto& line = *static_cast<Line*>(BIO_get_data(bio));
  if (line.taken < line.in.size()) {
    const auto got = std::min(static_cast<size_t>(size), line.in.size() - line.taken);
    std::memcpy(bytes, line.in.data() + line.taken, got);
    line.taken += got;
    if (line.taken == line.in.size()) {
      std::string().swap(line.in);  // an assignment would keep its 16 KB
      line.taken = 0;
    }
    return static_cast<int>(got);
  }
  ssize_t got = 0;
  if (!line.aside) {
    got = ::recv(line.socket->native_handle(), bytes, static_cast<size_t>(size), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  } else if (!line.ended) {
    BIO_set_retry_read(bio);
    return -1;
  }
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

const BIO_METHOD* TlsStream::line_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, &TlsStream::bio_write);
    BIO_meth_set_read(made, &TlsStream::bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

void tune_context(SSL_CTX* context) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
}

TlsStream::TlsStream(Tcp::socket socket, SSL_CTX* context, Side side)
    : socket_(std::move(socket)), ssl_(SSL_new(context)) {
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(line_method());
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, &line_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_ex_data(ssl_, stream_index(), this);
  if (side == Side::kServer)
    SSL_set_accept_state(ssl_);
  else
    SSL_set_connect_state(ssl_);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

void TlsStream::set_verify(Verify verify) {
  verify_ = std::move(verify);
  SSL_set_verify(ssl_, SSL_VERIFY_PEER, &TlsStream::verify);
}

void TlsStream::expect_host(const std::string& host) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return;
  X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
}

int TlsStream::verify(int good, X509_STORE_CTX* at) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* self = static_cast<TlsStream*>(SSL_get_ex_data(ssl, stream_index()));
  return self->verify_(good == 1, at) ? 1 : 0;
}

template <typename Call>
TlsStream::Step TlsStream::step(const Call& call, asio::error_code& error) {
  error.clear();
  if (!socket_.is_open()) {
    error = asio::error::operation_aborted;
    return Step::kFailed;
  }
  return attempt(call, error);
}

template <typename Call>
TlsStream::Step TlsStream::attempt(const Call& call, asio::error_code& error) {
  ERR_clear_error();
  errno = 0;
  const int result = call();
  const int failed = errno;
  if (result == 1) return Step::kDone;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      error = asio::error::eof;
      break;
    case SSL_ERROR_SYSCALL:
      error = ERR_peek_error() == 0 && failed != 0
                  ? asio::error_code(failed, asio::error::get_system_category())
                  : openssl_error();
      break;
    default:
      error = openssl_error();
      break;
  }
  return Step::kFailed;
}

asio::awaitable<void> TlsStream::wait(Step wanted, asio::error_code& error) {
  const auto what = wanted == Step::kWantsRead ? Tcp::socket::wait_read : Tcp::socket::wait_write;
  co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> TlsStream::handshake(asio::error_code& error) {
  const auto shake = [this] { return SSL_do_handshake(ssl_); };
  for (;;) {
    const auto step = this->step(shake, error);
    if (step == Step::kDone || step == Step::kFailed) break;
    co_await wait(step, error);
    if (error) break;
  }
  verify_ = nullptr;
}

asio::awaitable<void> TlsStream::accept_aside(asio::any_io_executor aside,
                                              asio::error_code& error) {
  asio::error_code found;
  const auto shake = [this] { return SSL_do_handshake(ssl_); };
  auto once = [&] { return attempt(shake, found); };
  line_.aside = true;
  auto step = Step::kWantsRead;
  while (step == Step::kWantsRead) {
    co_await fill_line(error);
    if (error) break;
    found.clear();
    step = co_await offload(aside, once);
    co_await flush_line(error);  // of a failure: why, for the client
    if (step == Step::kFailed) error = found;
    if (error) break;
  }
  if (!socket_.is_open()) error = asio::error::operation_aborted;
  line_.aside = false;
  verify_ = nullptr;
}

// At least one byte more, or the end.
asio::awaitable<void> TlsStream::fill_line(asio::error_code& error) {
  line_.in.erase(0, std::exchange(line_.taken, 0));
  const auto had = line_.in.size();
  line_.in.resize(had + kHandshakeRead);
  const auto got =
      co_await socket_.async_read_some(asio::buffer(line_.in.data() + had, kHandshakeRead),
                                       asio::redirect_error(asio::use_awaitable, error));
  line_.in.resize(had + got);
  if (error == asio::error::eof) {
    line_.ended = true;
    error.clear();
  }
}

asio::awaitable<void> TlsStream::flush_line(asio::error_code& error) {
  error.clear();
  const auto out = std::exchange(line_.out, {});
  if (out.empty()) co_return;
  co_await asio::async_write(socket_, asio::buffer(out),
                             asio::redirect_error(asio::use_awaitable, error));
}

template <typename Call>
asio::awaitable<size_t> TlsStream::transfer(const Call& call, size_t size, Way& way,
                                            asio::error_code& error) {
  error = std::exchange(way.failed, {});
  if (error) co_return 0;
  if (way.moved >= kTurn) {
    way.moved = 0;
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }
  size_t total = 0;
  while (total < size) {
    size_t moved = 0;
    const auto once = [&] { return call(total, moved); };
    const auto step = this->step(once, error);
    total += moved;
    way.moved += moved;
    if (step == Step::kDone && way.moved < kTurn) continue;
    if (step == Step::kDone || step == Step::kFailed || total > 0) break;
    way.moved = 0;
    co_await wait(step, error);
    if (error) break;
  }
  if (total > 0) way.failed = std::exchange(error, {});
  co_return total;
}

asio::awaitable<size_t> TlsStream::read_some(MutableByteView out, asio::error_code& error) {
  const auto read = [this, out](size_t at, size_t& got) {
    return SSL_read_ex(ssl_, out.data() + at, out.size() - at, &got);
  };
  co_return co_await transfer(read, out.size(), reading_, error);
}

asio::awaitable<size_t> TlsStream::write_some(ByteView bytes, asio::error_code& error) {
  const auto write = [this, bytes](size_t at, size_t& put) {
    return SSL_write_ex(ssl_, bytes.data() + at, bytes.size() - at, &put);
  };
  co_return co_await transfer(write, bytes.size(), writing_, error);
}

}  // namespace atl::net
