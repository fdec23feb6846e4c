// Keys and certificates of a federation, through OpenSSL: an authority of its own (ECDSA P-256), a
// server certificate, and client certificates signed from requests whose keys never leave the
// client. Everything is PEM text; files are the caller's. Names are checked by the caller
// (wire::is_valid_name).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::net {

using WallTime = std::chrono::system_clock::time_point;

struct KeyAndCertificate {
  std::string key_pem, certificate_pem;
};
struct KeyAndRequest {
  std::string key_pem, request_pem;
};
struct CertificateInfo {
  std::string common_name;
  std::string serial;       // hex
  std::string fingerprint;  // SHA-256 of the DER, hex
  std::string key;          // SHA-256 of its public key's DER, hex
  WallTime not_before, not_after;
  // For how long it was signed; not_before is a little earlier, for clocks that are behind.
  std::chrono::seconds lifetime{};
};

Result<KeyAndCertificate> create_authority(const std::string& name, WallTime now,
                                           std::chrono::hours validity);
// `names`: DNS names and IP addresses that clients may use; localhost and 127.0.0.1 are added.
Result<KeyAndCertificate> issue_server_certificate(const KeyAndCertificate& authority,
                                                   const std::vector<std::string>& names,
                                                   WallTime now, std::chrono::hours validity);
Result<KeyAndRequest> make_key_and_request(const std::string& common_name);
// A request for a key that is there already.
Result<std::string> make_request(const std::string& key_pem, const std::string& common_name);
// SHA-256 of the public key in a request, hex. kIdentity as for sign_client_request.
Result<std::string> key_of_request(const std::string& request_pem, const std::string& common_name);
// kIdentity when the request is malformed, is not signed by its own key, or names somebody else.
Result<std::string> sign_client_request(const KeyAndCertificate& authority,
                                        const std::string& request_pem,
                                        const std::string& common_name, WallTime now,
                                        std::chrono::seconds validity);
// What a client checks before it takes a certificate: kIdentity unless the authority signed it over
// the key and for the name of this request.
Result<CertificateInfo> check_certificate(const std::string& certificate_pem,
                                          const std::string& authority_pem,
                                          const std::string& request_pem,
                                          const std::string& common_name);
Result<CertificateInfo> certificate_info(const std::string& certificate_pem);

}  // namespace atl::net
