#include "common/net/tls_transport.h"

#include <openssl/x509v3.h>

#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/detached.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/error.hpp>
#include <deque>
#include <list>

#include "common/core/hash.h"
#include "common/core/log.h"
#include "common/net/event.h"
#include "common/net/identity.h"
#include "common/net/stream_session.h"

namespace atl::net {
namespace {

namespace ssl = asio::ssl;

std::string text_of(const Tcp::endpoint& endpoint) {
  const auto host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

void tune(Tcp::socket& socket) {
  asio::error_code ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
}

std::string address_of(Tcp::socket& socket) {
  asio::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? "?" : text_of(endpoint);
}

std::string serial_of(X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* text = BN_bn2hex(number);
  std::string serial = text;
  OPENSSL_free(text);
  BN_free(number);
  return serial;
}

std::string common_name_of(X509* certificate) {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  return name;
}

// Who the peer proved to be.
Peer peer_of(TlsStream& stream, const std::string& address) {
  Peer peer;
  peer.address = address;
  X509* certificate = SSL_get1_peer_certificate(stream.native_handle());
  if (certificate == nullptr) return peer;
  peer.name = common_name_of(certificate);
  peer.serial = serial_of(certificate);
  peer.authenticated = SSL_get_verify_result(stream.native_handle()) == X509_V_OK;
  X509_free(certificate);
  return peer;
}

Result<std::shared_ptr<ssl::context>> make_context(ssl::context::method method,
                                                   const std::string& authority,
                                                   const std::string& certificate,
                                                   const std::string& key) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  // No tickets: a resumed session would not meet the revocation list again.
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  tune_context(context->native_handle());
  asio::error_code error;
  auto file_error = [&error](const std::string& path) {
    return Error(ErrorCode::kIdentity, "cannot use " + path + ": " + error.message());
  };
  if (!authority.empty()) context->load_verify_file(authority, error);
  if (error) return file_error(authority);
  if (!certificate.empty()) context->use_certificate_chain_file(certificate, error);
  if (error) return file_error(certificate);
  if (!certificate.empty()) context->use_private_key_file(key, ssl::context::pem, error);
  if (error) return file_error(key);
  return context;
}

Result<std::shared_ptr<ssl::context>> make_server_context(const TlsServer& options) {
  ATOLL_ASSIGN(auto context, make_context(ssl::context::tls_server, options.authority_file,
                                          options.certificate_file, options.key_file));
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

// What a handshake has seen of the client's certificate.
struct Shown {
  int error = X509_V_OK;
  bool expired = false;      // not for longer than the grace
  std::string name, serial;  // once the authority's signature on it was found good
};

// Looks at each certificate of a client's chain, from the authority's down to the client's own.
class Examiner {
 public:
  Examiner(const TlsServer& options, std::shared_ptr<Shown> shown)
      : revoked_(options.revoked), grace_(options.expired_grace()), shown_(std::move(shown)) {}

  bool operator()(bool good, X509_STORE_CTX* store) const {
    int error = good ? X509_V_OK : X509_STORE_CTX_get_error(store);
    if (X509_STORE_CTX_get_error_depth(store) == 0 && is_signed(error)) {
      X509* certificate = X509_STORE_CTX_get_current_cert(store);
      shown_->name = common_name_of(certificate);
      shown_->serial = serial_of(certificate);
      if (error == X509_V_ERR_CERT_HAS_EXPIRED && is_within_grace(certificate)) {
        shown_->expired = true;
        error = X509_V_OK;
      }
      if (revoked_(shown_->serial)) error = X509_V_ERR_CERT_REVOKED;
    }
    shown_->error = error;
    if (error == X509_V_OK) return true;
    X509_STORE_CTX_set_error(store, error);
    return false;
  }

 private:
  // OpenSSL looks at a certificate's dates after the authority's signature on it.
  static bool is_signed(int error) {
    return error == X509_V_OK || error == X509_V_ERR_CERT_HAS_EXPIRED;
  }
  bool is_within_grace(X509* certificate) const {
    int days = 0, seconds = 0;
    return ASN1_TIME_diff(&days, &seconds, X509_get0_notAfter(certificate), nullptr) == 1 &&
           std::chrono::hours(24) * days + std::chrono::seconds(seconds) <= grace_;
  }
  std::function<bool(const std::string&)> revoked_;
  std::chrono::seconds grace_;
  std::shared_ptr<Shown> shown_;
};

// A listener for either kind of stream. Handshakes run beside each other; finished ones wait in a
// queue.
class StreamListener : public Listener, public std::enable_shared_from_this<StreamListener> {
 public:
  StreamListener(asio::any_io_executor executor, std::shared_ptr<ssl::context> context,
                 TlsServer options)
      : acceptor_(executor),
        context_(std::move(context)),
        options_(std::move(options)),
        changed_(executor) {}
  ~StreamListener() override { close(); }

  Status bind(const Tcp::endpoint& endpoint, const std::string& address) {
    asio::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::address_in_use) {
      return Error(ErrorCode::kAddressInUse, "cannot listen on " + address + ": the port is taken")
          .hint("find who has it with `ss -ltnp`, or choose another port");
    }
    if (error)
      return Error(ErrorCode::kNetwork, "cannot listen on " + address + ": " + error.message());
    address_ = text_of(acceptor_.local_endpoint(error));
    return {};
  }

  void start() {
    asio::co_spawn(acceptor_.get_executor(), accept_sockets(shared_from_this()), asio::detached);
  }

  awaitable<Result<std::unique_ptr<Session>>> accept() override {
    auto self = shared_from_this();
    while (ready_.empty()) {
      if (closed_) co_return Error(ErrorCode::kNetwork, "the listener is closed");
      co_await changed_.wait_for(std::chrono::hours(1));
    }
    auto session = std::move(ready_.front());
    ready_.pop_front();
    co_return std::move(session);
  }
  void close() override {
    closed_ = true;
    asio::error_code ignored;
    acceptor_.close(ignored);
    ready_.clear();
    changed_.notify();
  }
  std::string address() const override { return address_; }
  Status reload_identity() override {
    if (context_ == nullptr) return {};
    // Handshakes under way keep the old one alive.
    ATOLL_ASSIGN(context_, make_server_context(options_));
    return {};
  }

 private:
  static awaitable<void> accept_sockets(std::shared_ptr<StreamListener> self) {
    while (!self->closed_) {
      Tcp::socket socket(self->acceptor_.get_executor());
      asio::error_code error;
      co_await self->acceptor_.async_accept(socket,
                                            asio::redirect_error(asio::use_awaitable, error));
      if (self->closed_) co_return;
      if (error) {  // out of file descriptors, for example: others will leave
        log::warn("net", "cannot accept a connection: " + error.message());
        asio::steady_timer pause(self->acceptor_.get_executor(), std::chrono::milliseconds(100));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      asio::co_spawn(self->acceptor_.get_executor(), shake_hands(self, std::move(socket)),
                     asio::detached);
    }
  }

  static awaitable<void> shake_hands(std::shared_ptr<StreamListener> self, Tcp::socket socket) {
    tune(socket);
    const auto address = address_of(socket);
    if (self->options_.admit && !self->options_.admit(address)) co_return;
    std::unique_ptr<Session> session;
    if (self->context_ == nullptr) {
      session = std::make_unique<StreamSession<Tcp::socket>>(
          std::make_unique<Tcp::socket>(std::move(socket)), Peer{"", "", address, false});
    } else {
      auto stream = std::make_unique<TlsStream>(std::move(socket), self->context_->native_handle(),
                                                TlsStream::Side::kServer);
      auto watchdog = std::make_shared<Watchdog>(stream->next_layer());
      watchdog->begin(self->options_.handshake_limit);
      asio::error_code error;
      const auto shown = std::make_shared<Shown>();
      stream->set_verify(Examiner(self->options_, shown));
      const Handshaking handshaking(*self, stream->next_layer());
      if (self->options_.aside)
        co_await stream->accept_aside(self->options_.aside, error);
      else
        co_await stream->handshake(error);
      watchdog->forget_socket();
      if (error) {
        self->failed(*shown, address, error, watchdog->expired());
        co_return;
      }
      auto peer = peer_of(*stream, address);
      peer.expired = shown->expired;
      peer.authenticated = peer.authenticated && !peer.expired;
      session = std::make_unique<StreamSession<TlsStream>>(std::move(stream), std::move(peer));
    }
    if (self->closed_) co_return;
    self->ready_.push_back(std::move(session));
    self->changed_.notify();
  }

  void failed(const Shown& shown, const std::string& address, const asio::error_code& error,
              bool expired) const {
    FailedHandshake what;
    what.address = address;
    what.name = shown.name;
    what.serial = shown.serial;
    if (expired) {
      what.text = "no handshake within " + std::to_string(options_.handshake_limit.count()) + " ms";
    } else if (shown.error == X509_V_OK) {
      what.text = explain_error(error, "shaking hands").message();
    } else {
      what.text = X509_verify_cert_error_string(shown.error);
    }
    if (shown.error == X509_V_ERR_CERT_REVOKED) what.cause = FailedHandshake::Cause::kRevoked;
    if (shown.error == X509_V_ERR_CERT_HAS_EXPIRED) what.cause = FailedHandshake::Cause::kExpired;
    if (options_.on_failed) return options_.on_failed(what);
    log::warn("net", "refused " + address + ": " + what.text);
  }

  // A place among the handshakes under way, while it lives. Within a coroutine that holds `self`.
  struct Handshaking {
    Handshaking(StreamListener& listener, Tcp::socket& socket) : all(listener.handshakes_) {
      asio::error_code ignored;
      if (all.size() >= listener.options_.most_handshakes) {
        all.front()->close(ignored);
        all.splice(all.end(), all, all.begin());  // it is on its way out; the next one is older
      }
      place = all.insert(all.end(), &socket);
    }
    ~Handshaking() { all.erase(place); }
    Handshaking(const Handshaking&) = delete;
    Handshaking& operator=(const Handshaking&) = delete;
    std::list<Tcp::socket*>& all;
    std::list<Tcp::socket*>::iterator place;
  };

  Tcp::acceptor acceptor_;
  std::list<Tcp::socket*> handshakes_;  // oldest first
  std::shared_ptr<ssl::context> context_;
  TlsServer options_;
  Event changed_;
  std::deque<std::unique_ptr<Session>> ready_;
  std::string address_;
  bool closed_ = false;
};

// While enrolling there is no authority's certificate yet: the server sends it, and its fingerprint
// must be the token's.
Status verify_pinned(SSL* handle, const std::string& fingerprint, const std::string& host) {
  auto refuse = [](const std::string& why) {
    return Error(ErrorCode::kIdentity, "this is not the server of the token: " + why);
  };
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(handle);
  X509* authority = nullptr;
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    Digest digest{};
    X509_digest(sk_X509_value(chain, i), EVP_sha256(),
                reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    if (hex(digest) == fingerprint) authority = sk_X509_value(chain, i);
  }
  if (authority == nullptr) return refuse("its authority has another fingerprint");
  X509_STORE* store = X509_STORE_new();
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_add_cert(store, authority);
  X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  const bool good = X509_verify_cert(context) == 1;
  const std::string why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  if (!good) return refuse(why);
  X509* leaf = sk_X509_value(chain, 0);
  if (X509_check_host(leaf, host.c_str(), host.size(), 0, nullptr) != 1 &&
      X509_check_ip_asc(leaf, host.c_str(), 0) != 1) {
    return refuse("its certificate does not name " + host);
  }
  return {};
}

class StreamConnector : public Connector {
 public:
  StreamConnector(asio::any_io_executor executor, HostPort target,
                  std::shared_ptr<ssl::context> context, TlsClient options)
      : executor_(std::move(executor)),
        target_(std::move(target)),
        context_(std::move(context)),
        options_(std::move(options)) {}

  std::string target() const override { return target_.host + ":" + target_.port; }

  awaitable<Result<std::unique_ptr<Session>>> connect() override {
    asio::error_code error;
    Tcp::resolver resolver(executor_);
    const auto found = co_await resolver.async_resolve(
        target_.host, target_.port, asio::redirect_error(asio::use_awaitable, error));
    if (error)
      co_return Error(ErrorCode::kNetwork, "cannot find " + target_.host + ": " + error.message());
    auto plain = std::make_unique<Tcp::socket>(executor_);
    std::unique_ptr<TlsStream> stream;
    if (context_ != nullptr)
      stream = std::make_unique<TlsStream>(Tcp::socket(executor_), context_->native_handle(),
                                           TlsStream::Side::kClient);
    Tcp::socket& socket = stream == nullptr ? *plain : stream->next_layer();
    auto watchdog = std::make_shared<Watchdog>(socket);
    watchdog->begin(options_.connect_limit);
    co_await asio::async_connect(socket, found, asio::redirect_error(asio::use_awaitable, error));
    if (error || stream == nullptr) {
      watchdog->forget_socket();
      if (error) co_return failed(watchdog->expired(), error, "connecting to " + target());
      tune(socket);
      const auto address = address_of(socket);
      co_return std::make_unique<StreamSession<Tcp::socket>>(std::move(plain),
                                                             Peer{"", "", address, false});
    }
    tune(socket);
    SSL_set_tlsext_host_name(stream->native_handle(), target_.host.c_str());
    if (options_.pinned_authority.empty()) stream->expect_host(target_.host);
    watchdog->moved();
    co_await stream->handshake(error);
    watchdog->forget_socket();
    if (error) {
      const auto verify = SSL_get_verify_result(stream->native_handle());
      if (verify != X509_V_OK) {
        co_return Error(ErrorCode::kIdentity, "the server at " + target() + " cannot be trusted: " +
                                                  X509_verify_cert_error_string(verify))
            .hint(
                "check that the authority's certificate is of this server, and that its "
                "certificate names " +
                target_.host);
      }
      co_return failed(watchdog->expired(), error, "greeting " + target());
    }
    if (!options_.pinned_authority.empty()) {
      ATOLL_CO_TRY(verify_pinned(stream->native_handle(), options_.pinned_authority, target_.host));
    }
    auto peer = peer_of(*stream, address_of(stream->next_layer()));
    co_return std::make_unique<StreamSession<TlsStream>>(std::move(stream), std::move(peer));
  }

 private:
  Error failed(bool expired, const asio::error_code& error, const std::string& doing) {
    if (expired) {
      return Error(ErrorCode::kNetwork, doing + ": no answer within " +
                                            std::to_string(options_.connect_limit.count()) + " ms");
    }
    return explain_error(error, doing);
  }

  asio::any_io_executor executor_;
  HostPort target_;
  std::shared_ptr<ssl::context> context_;
  TlsClient options_;
};

Result<Tcp::endpoint> resolve_local(const asio::any_io_executor& executor,
                                    const std::string& address) {
  ATOLL_ASSIGN(const auto parts, parse_address(address));
  asio::error_code error;
  Tcp::resolver resolver(executor);
  const auto found = resolver.resolve(parts.host, parts.port, Tcp::resolver::passive, error);
  if (error || found.empty())
    return Error(ErrorCode::kNetwork,
                 "cannot find the address " + address + ": " + error.message());
  return found.begin()->endpoint();
}

}  // namespace

Error explain_error(const asio::error_code& error, const std::string& doing) {
  auto identity = [&doing](const std::string& why) {
    return Error(ErrorCode::kIdentity, doing + ": " + why);
  };
  if (error.category() == asio::error::get_ssl_category()) {
    switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
      case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return identity("the other side says that this certificate is revoked");
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return identity("the other side says that this certificate has expired");
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return identity("the other side does not know the authority of this certificate");
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        return identity("the other side does not accept this certificate");
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
      case SSL_R_PACKET_LENGTH_TOO_LONG:
        return Error(ErrorCode::kNetwork, doing + ": the other side does not speak TLS");
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return Error(ErrorCode::kNetwork, doing + ": the other side does not speak TLS 1.3");
      default:
        break;
    }
  }
  if (error == asio::error::eof || error == ssl::error::stream_truncated ||
      error == asio::error::connection_reset || error == asio::error::broken_pipe) {
    return Error(ErrorCode::kNetwork, doing + ": the other side closed the connection");
  }
  if (error == asio::error::connection_refused)
    return Error(ErrorCode::kNetwork, doing + ": nobody listens there");
  return Error(ErrorCode::kNetwork, doing + ": " + error.message());
}

Result<HostPort> parse_address(const std::string& address) {
  const auto colon = address.rfind(':');
  std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool digits = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (host.empty() || !digits || std::stoi(port) > 65535 ||
      (!bracketed && host.find(':') != std::string::npos)) {
    return Error(ErrorCode::kUsage,
                 "\"" + address + "\" is not an address; write host:port or [ipv6]:port");
  }
  return HostPort{host, port};
}

Result<std::shared_ptr<Listener>> listen_tls(asio::any_io_executor executor,
                                             const std::string& address, const TlsServer& options) {
  ATOLL_ASSIGN(const auto endpoint, resolve_local(executor, address));
  ATOLL_ASSIGN(auto context, make_server_context(options));
  auto listener = std::make_shared<StreamListener>(executor, std::move(context), options);
  ATOLL_TRY(listener->bind(endpoint, address));
  listener->start();
  return std::shared_ptr<Listener>(std::move(listener));
}

Result<std::unique_ptr<Connector>> make_tls_connector(asio::any_io_executor executor,
                                                      const std::string& address,
                                                      const TlsClient& options) {
  ATOLL_ASSIGN(auto target, parse_address(address));
  ATOLL_ASSIGN(auto context, make_context(ssl::context::tls_client, options.authority_file,
                                          options.certificate_file, options.key_file));
  context->set_verify_mode(options.pinned_authority.empty() ? ssl::verify_peer : ssl::verify_none);
  return std::unique_ptr<Connector>(
      std::make_unique<StreamConnector>(executor, std::move(target), std::move(context), options));
}

Result<std::shared_ptr<Listener>> listen_plain(asio::any_io_executor executor,
                                               const std::string& address) {
  ATOLL_ASSIGN(const auto endpoint, resolve_local(executor, address));
  if (!endpoint.address().is_loopback()) {
    return Error(ErrorCode::kUsage,
                 "--insecure is for loopback only; " + address + " can be reached from elsewhere")
        .hint("listen on 127.0.0.1, or leave --insecure out");
  }
  auto listener = std::make_shared<StreamListener>(executor, nullptr, TlsServer{});
  ATOLL_TRY(listener->bind(endpoint, address));
  listener->start();
  return std::shared_ptr<Listener>(std::move(listener));
}

Result<std::unique_ptr<Connector>> make_plain_connector(asio::any_io_executor executor,
                                                        const std::string& address) {
  ATOLL_ASSIGN(auto target, parse_address(address));
  ATOLL_ASSIGN(const auto endpoint, resolve_local(executor, address));
  if (!endpoint.address().is_loopback()) {
    return Error(ErrorCode::kUsage, "--insecure is for loopback only, and " + address + " is not");
  }
  return std::unique_ptr<Connector>(
      std::make_unique<StreamConnector>(executor, std::move(target), nullptr, TlsClient{}));
}

}  // namespace atl::net
