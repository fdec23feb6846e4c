#include "experiments/doctor/reach.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include "common/net/tls_transport.h"

namespace atl::workbench {
namespace {

// In TLS 1.3 the server looks at the client's certificate after the client is done: its alert, if
// there is one, comes within this time. It says nothing else before it was spoken to.
constexpr net::Duration kAlertWithin{700};

asio::awaitable<Result<std::string>> look(std::unique_ptr<net::Connector> connector) {
  ATOLL_CO_ASSIGN(const auto session, co_await connector->connect());
  Bytes nothing;
  const auto heard = co_await session->receive(nothing, kAlertWithin);
  session->close();
  if (!heard && heard.error().code() != ErrorCode::kDeadline) co_return heard.error();
  co_return session->peer().address + " answers, and takes this client's certificate";
}

asio::awaitable<void> store(asio::awaitable<Result<std::string>> work, Result<std::string>& out) {
  out = co_await std::move(work);
}

}  // namespace

Result<std::string> reach_server(const client::ClientFolder& folder, const std::string& server) {
  asio::io_context io(1);
  net::TlsClient tls;
  tls.authority_file = folder.authority();
  tls.certificate_file = folder.certificate();
  tls.key_file = folder.key();
  ATOLL_ASSIGN(auto connector, net::make_tls_connector(io.get_executor(), server, tls));
  Result<std::string> out = std::string();
  asio::co_spawn(io, store(look(std::move(connector)), out), asio::detached);
  io.run();
  return out;
}

Result<std::string> check_port(const std::string& address) {
  ATOLL_ASSIGN(const auto parts, net::parse_address(address));
  asio::io_context io(1);
  asio::error_code error;
  asio::ip::tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(parts.host, parts.port, asio::ip::tcp::resolver::passive, error);
  if (error || found.empty())
    return Error(ErrorCode::kNetwork,
                 "cannot find the address " + address + ": " + error.message());
  asio::ip::tcp::acceptor acceptor(io);
  const auto endpoint = found.begin()->endpoint();
  (void)acceptor.open(endpoint.protocol(), error);
  (void)acceptor.set_option(asio::socket_base::reuse_address(true), error);
  (void)acceptor.bind(endpoint, error);
  if (!error) (void)acceptor.listen(1, error);
  if (!error) return address + " is free";
  if (error == asio::error::address_in_use) {
    return Error(ErrorCode::kAddressInUse, address + ": the port is taken").hint("ss -ltnp");
  }
  return Error(ErrorCode::kNetwork, "cannot listen on " + address + ": " + error.message());
}

}  // namespace atl::workbench
