// Keys and certificates of a small federation in a folder, for tests of TLS.
#pragma once

#include <string>

#include "common/core/file.h"
#include "common/net/identity.h"
#include "common/net/tls_transport.h"
#include "tests/support/temporary_folder.h"

namespace atl::testing {

class Identities {
 public:
  explicit Identities(std::vector<std::string> server_names = {})
      : authority_(net::create_authority("Test authority", now(), years()).value()) {
    save("authority.pem", authority_.certificate_pem);
    const auto server =
        net::issue_server_certificate(authority_, server_names, now(), years()).value();
    save("server.pem", server.certificate_pem + authority_.certificate_pem);
    save("server.key", server.key_pem);
  }

  static net::WallTime now() { return std::chrono::system_clock::now(); }
  static std::chrono::hours years() { return std::chrono::hours(24 * 365); }

  const net::KeyAndCertificate& authority() const { return authority_; }
  std::string file(const std::string& name) const { return folder_.path() + "/" + name; }

  // Issues NAME.pem and NAME.key for a client.
  net::CertificateInfo add_client(const std::string& name, net::WallTime from = now(),
                                  std::chrono::hours validity = years()) {
    const auto made = net::make_key_and_request(name).value();
    const auto certificate =
        net::sign_client_request(authority_, made.request_pem, name, from, validity).value();
    save(name + ".pem", certificate);
    save(name + ".key", made.key_pem);
    return net::certificate_info(certificate).value();
  }

  net::TlsServer server() const {
    net::TlsServer options;
    options.authority_file = file("authority.pem");
    options.certificate_file = file("server.pem");
    options.key_file = file("server.key");
    return options;
  }
  net::TlsClient client(const std::string& name) const {
    net::TlsClient options;
    options.authority_file = file("authority.pem");
    if (!name.empty()) {
      options.certificate_file = file(name + ".pem");
      options.key_file = file(name + ".key");
    }
    return options;
  }
  void save(const std::string& name, const std::string& text) {
    ATOLL_CHECK(write_atomic(file(name), text).ok(), "a temporary file");
  }

 private:
  TemporaryFolder folder_;
  net::KeyAndCertificate authority_;
};

}  // namespace atl::testing
