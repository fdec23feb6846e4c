// TLS 1.3 over TCP, certificates on both sides; and plain TCP for --insecure, on loopback only.
// Asio's and OpenSSL's machinery stays in the .cc files.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/net/transport.h"

namespace atl::net {

// Somebody who did not get past the handshake.
struct FailedHandshake {
  enum class Cause { kOther, kExpired, kRevoked };
  Cause cause = Cause::kOther;
  std::string address;
  // Of a certificate that this authority signed; empty where there was none.
  std::string name, serial;
  std::string text;  // why, for a person
};

struct TlsServer {
  std::string authority_file;    // PEM: who signs clients' certificates
  std::string certificate_file;  // PEM: the server's certificate, followed by the authority's (for
                                 // enrolling clients)
  std::string key_file;
  // Where handshakes do their arithmetic, and ask `revoked`; a pool of one thread. Empty: on the
  // listener's executor.
  asio::any_io_executor aside;
  std::function<bool(const std::string& serial)> revoked = [](const std::string&) { return false; };
  // For how long an expired certificate gets through the handshake, as peer().expired. Asked before
  // each.
  std::function<std::chrono::seconds()> expired_grace = [] { return std::chrono::seconds(0); };
  // Asked before a handshake; false: the connection is closed at once. Empty: everybody is let try.
  std::function<bool(const std::string& address)> admit;
  // Hears of every handshake that failed. Empty: it is written to the program's log.
  std::function<void(const FailedHandshake&)> on_failed;
  Duration handshake_limit{10'000};  // whatever moves
  // At once. One more, and the oldest is dropped: an honest one takes milliseconds.
  size_t most_handshakes = 256;
};

struct TlsClient {
  std::string authority_file;    // PEM; empty while enrolling
  std::string certificate_file;  // PEM; empty while enrolling
  std::string key_file;
  std::string pinned_authority;  // while enrolling: the authority's fingerprint, from the token
  Duration connect_limit{10'000};
};

// Binds at once. `address` is "host:port" or "[ipv6]:port"; port 0 takes any free one. Clients that
// show no certificate come through with peer().authenticated == false (they may enrol);
// certificates that are foreign, expired for longer than the grace, or revoked do not get past the
// handshake. kAddressInUse, kNetwork, kIdentity (unreadable or mismatched key files).
Result<std::shared_ptr<Listener>> listen_tls(asio::any_io_executor executor,
                                             const std::string& address, const TlsServer& options);
// Files are read now, the connection is made by connect(). The server's certificate must name the
// host of `address`.
Result<std::unique_ptr<Connector>> make_tls_connector(asio::any_io_executor executor,
                                                      const std::string& address,
                                                      const TlsClient& options);

// Without any protection. kUsage on an address that is not loopback.
Result<std::shared_ptr<Listener>> listen_plain(asio::any_io_executor executor,
                                               const std::string& address);
Result<std::unique_ptr<Connector>> make_plain_connector(asio::any_io_executor executor,
                                                        const std::string& address);

struct HostPort {
  std::string host, port;
};
// kUsage when the text is not "host:port" or "[ipv6]:port".
Result<HostPort> parse_address(const std::string& address);

}  // namespace atl::net
