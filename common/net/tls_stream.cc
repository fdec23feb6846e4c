#include "common/net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/ssl/error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "common/core/check.h"

namespace atl::net {

struct TlsStream::Link {
  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    auto& stream = stream_of(bio);
    BIO_clear_retry_flags(bio);
    const size_t ready = stream.in_end_ - stream.in_begin_;
    if (ready == 0) {
      if (!stream.in_over_) BIO_set_retry_read(bio);
      return stream.in_over_ ? 0 : -1;
    }
    const size_t taken = std::min(ready, static_cast<size_t>(size));
    std::memcpy(out, stream.in_.data() + stream.in_begin_, taken);
    stream.in_begin_ += taken;
    return static_cast<int>(taken);
  }
  static int write(BIO* bio, const char* bytes, int size) {
    auto& stream = stream_of(bio);
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    stream.out_.insert(stream.out_.end(), first, first + size);
    return size;
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return stream_of(bio).in_over_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "atoll batch");
      ATOLL_CHECK(method != nullptr, "memory for a BIO method");
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    return made;
  }
};

TlsStream::TlsStream(Socket socket, asio::ssl::context& context)
    : socket_(std::move(socket)), ssl_(SSL_new(context.native_handle())) {
  ATOLL_CHECK(ssl_ != nullptr, "memory for a TLS stream");
  BIO* bio = BIO_new(Link::method());
  ATOLL_CHECK(bio != nullptr, "memory for a BIO");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  // An idle connection holds no record buffers.
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
}

TlsStream::~TlsStream() = default;

asio::error_code TlsStream::reason(int returned) {
  const int kind = SSL_get_error(ssl_.get(), returned);
  if (kind == SSL_ERROR_WANT_READ) return asio::error::would_block;
  if (kind == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (kind == SSL_ERROR_SYSCALL || code == 0 ||
      (ERR_GET_LIB(code) == ERR_LIB_SSL &&
       ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
    return asio::ssl::error::stream_truncated;
  }
  return {static_cast<int>(code), asio::error::get_ssl_category()};
}

asio::awaitable<asio::error_code> TlsStream::fill() {
  in_.resize(kBatch);
  asio::error_code error;
  const size_t got = co_await socket_.async_read_some(
      asio::buffer(in_.data(), in_.size()), asio::redirect_error(asio::use_awaitable, error));
  in_begin_ = 0;
  in_end_ = got;
  // OpenSSL tells an end in order (close_notify) from one that is not.
  if (error == asio::error::eof) in_over_ = true, error = {};
  co_return error;
}

asio::awaitable<asio::error_code> TlsStream::flush() {
  asio::error_code error;
  while (!out_.empty() && !error) {
    std::swap(out_, sending_);
    co_await asio::async_write(socket_, asio::buffer(sending_.data(), sending_.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    sending_.clear();
  }
  co_return error;
}

asio::awaitable<asio::error_code> TlsStream::handshake(
    asio::ssl::stream_base::handshake_type type) {
  if (type == asio::ssl::stream_base::client)
    SSL_set_connect_state(ssl_.get());
  else
    SSL_set_accept_state(ssl_.get());
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    const auto why = done == 1 ? asio::error_code() : reason(done);
    // Also after a failure: the alert tells the other side why.
    auto error = co_await flush();
    if (why && why != asio::error::would_block) co_return why;
    if (error || !why) co_return error;
    error = co_await fill();
    if (error) co_return error;
  }
}

asio::awaitable<size_t> TlsStream::read_some(MutableByteView out, asio::error_code& error) {
  size_t total = 0;
  error = later_;
  if (error) co_return 0;
  for (;;) {
    error = {};
    while (total < out.size()) {
      size_t got = 0;
      ERR_clear_error();
      const int done = SSL_read_ex(ssl_.get(), out.data() + total, out.size() - total, &got);
      total += got;
      if (done == 1) continue;
      error = reason(done);
      break;
    }
    if (total > 0) {
      if (error != asio::error::would_block) later_ = error;
      error = {};
      co_return total;
    }
    if (error != asio::error::would_block) co_return 0;
    error = co_await fill();
    if (error) co_return 0;
  }
}

asio::awaitable<size_t> TlsStream::write_some(ByteView bytes, asio::error_code& error) {
  // Room for a batch's records with their headers and tags.
  out_.reserve(kBatch + 1024);
  const size_t size = std::min(bytes.size(), kBatch);
  size_t put = 0;
  ERR_clear_error();
  const int done = SSL_write_ex(ssl_.get(), bytes.data(), size, &put);
  if (done != 1) {
    error = reason(done);
    co_return 0;
  }
  error = co_await flush();
  co_return put;
}

}  // namespace atl::net
