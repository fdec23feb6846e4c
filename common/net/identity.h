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
  WallTime not_before, not_after;
};

Result<KeyAndCertificate> create_authority(const std::string& name, WallTime now,
                                           std::chrono::hours validity);
// `names`: DNS names and IP addresses that clients may use; localhost and 127.0.0.1 are added.
Result<KeyAndCertificate> issue_server_certificate(const KeyAndCertificate& authority,
                                                   const std::vector<std::string>& names,
                                                   WallTime now, std::chrono::hours validity);
Result<KeyAndRequest> make_key_and_request(const std::string& common_name);
// kIdentity when the request is malformed, is not signed by its own key, or names somebody else.
Result<std::string> sign_client_request(const KeyAndCertificate& authority,
                                        const std::string& request_pem,
                                        const std::string& common_name, WallTime now,
                                        std::chrono::hours validity);
Result<CertificateInfo> certificate_info(const std::string& certificate_pem);

}  // namespace atl::net
