#include "experiments/bench/bare_tls.h"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <thread>

#include "common/core/bytes.h"
#include "experiments/bench/generated_trainer.h"

namespace atl::bench {
namespace {

namespace ssl = asio::ssl;
using Tcp = asio::ip::tcp;
using Stream = ssl::stream<Tcp::socket>;
constexpr size_t kPiece = 1 << 20;

Error failed(const asio::error_code& error, const std::string& doing) {
  return Error(ErrorCode::kNetwork, "the bare loop, " + doing + ": " + error.message());
}

asio::error_code load(ssl::context& context, const std::string& authority,
                      const std::string& certificate, const std::string& key) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_3_VERSION);
  asio::error_code error;
  context.load_verify_file(authority, error);
  if (!error) context.use_certificate_chain_file(certificate, error);
  if (!error) context.use_private_key_file(key, ssl::context::pem, error);
  if (!error) context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  return error;
}

asio::error_code send_all(Stream& stream, uint64_t bytes) {
  Bytes piece(kPiece);
  generate_bytes(0, 0, piece);
  asio::error_code error;
  for (uint64_t left = bytes; left > 0 && !error;) {
    left -=
        asio::write(stream, asio::buffer(piece.data(), std::min<uint64_t>(left, kPiece)), error);
  }
  return error;
}

asio::error_code receive_all(Stream& stream, uint64_t bytes) {
  Bytes piece(kPiece);
  asio::error_code error;
  for (uint64_t left = bytes; left > 0 && !error;) {
    left -= asio::read(stream, asio::buffer(piece.data(), std::min<uint64_t>(left, kPiece)), error);
  }
  return error;
}

Status transfer(Stream& from, Stream& to, uint64_t bytes) {
  asio::error_code sending;
  std::thread sender([&] { sending = send_all(from, bytes); });
  const auto receiving = receive_all(to, bytes);
  sender.join();
  if (sending) return failed(sending, "sending");
  if (receiving) return failed(receiving, "receiving");
  return {};
}

}  // namespace

struct BareTls::Pair {
  asio::io_context io;
  ssl::context server_context{ssl::context::tls_server};
  ssl::context client_context{ssl::context::tls_client};
  std::unique_ptr<Stream> server, client;
};

BareTls::BareTls(std::unique_ptr<Pair> pair) : pair_(std::move(pair)) {}
BareTls::~BareTls() = default;

Result<std::unique_ptr<BareTls>> BareTls::connect(const Identities& files) {
  auto pair = std::make_unique<Pair>();
  auto error =
      load(pair->server_context, files.authority, files.server_certificate, files.server_key);
  if (!error)
    error = load(pair->client_context, files.authority, files.client_certificate, files.client_key);
  if (error) return failed(error, "loading certificates");
  pair->server = std::make_unique<Stream>(pair->io, pair->server_context);
  pair->client = std::make_unique<Stream>(pair->io, pair->client_context);

  Tcp::acceptor acceptor(pair->io);
  acceptor.open(Tcp::v4(), error);
  if (!error) acceptor.bind(Tcp::endpoint(asio::ip::address_v4::loopback(), 0), error);
  if (!error) acceptor.listen(1, error);
  if (!error) pair->client->next_layer().connect(acceptor.local_endpoint(), error);
  if (!error) acceptor.accept(pair->server->next_layer(), error);
  if (error) return failed(error, "connecting");
  for (auto* stream : {pair->server.get(), pair->client.get()})
    stream->next_layer().set_option(Tcp::no_delay(true), error);

  asio::error_code theirs;
  std::thread other([&] { pair->server->handshake(ssl::stream_base::server, theirs); });
  pair->client->handshake(ssl::stream_base::client, error);
  other.join();
  if (error || theirs) return failed(error ? error : theirs, "shaking hands");
  return std::unique_ptr<BareTls>(new BareTls(std::move(pair)));
}

Status BareTls::server_to_client(uint64_t bytes) {
  return transfer(*pair_->server, *pair_->client, bytes);
}
Status BareTls::client_to_server(uint64_t bytes) {
  return transfer(*pair_->client, *pair_->server, bytes);
}
std::string BareTls::cipher() const { return SSL_get_cipher_name(pair_->client->native_handle()); }

}  // namespace atl::bench
