#include "common/net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/ssl/error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <new>
#include <utility>

namespace atl::net {
namespace {

using Tcp = asio::ip::tcp;

// A session that never has to wait still lets the others of its thread have a turn after so much.
constexpr size_t kTurn = 256 << 10;
// So many records may come with one call into the kernel.
constexpr size_t kReadBuffer = 64 << 10;

// OpenSSL's own socket BIO raises SIGPIPE when the other side is gone.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto& socket = *static_cast<Tcp::socket*>(BIO_get_data(bio));
  const auto put =
      ::send(socket.native_handle(), bytes, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}
int bio_read(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto& socket = *static_cast<Tcp::socket*>(BIO_get_data(bio));
  const auto got = ::recv(socket.native_handle(), bytes, static_cast<size_t>(size), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}
long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
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

void tune_context(SSL_CTX* context) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
}

TlsStream::TlsStream(Tcp::socket socket, SSL_CTX* context, Side side)
    : socket_(std::move(socket)), ssl_(SSL_new(context)) {
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(socket_method());
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, &socket_);
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
