#include "server/admin/enrolment_desk.h"

#include "common/core/fault.h"
#include "common/core/file.h"
#include "common/net/token.h"

namespace atl::server {
namespace {

Error not_signed(const std::string& why) { return Error(ErrorCode::kRefused, why); }

class Desk : public EnrolmentDesk {
 public:
  Desk(ServerFolder folder, const AdmissionConfig& config)
      : folder_(std::move(folder)), config_(config), tokens_(folder_.tokens()) {}

  Result<Signed> enrol(const wire::Enrol& request) override {
    ATOLL_TRY(fault::point("enrol"));
    ATOLL_ASSIGN(const auto authority, load_authority(folder_));
    // The request is examined first, so that a mistake in it does not use the token up.
    ATOLL_ASSIGN(const auto token, net::parse_token(request.token));
    const auto key = net::key_of_request(request.csr_pem, token.client);
    if (!key) return not_signed(key.error().message());
    const auto now = std::chrono::system_clock::now();
    ATOLL_TRY(make_folders(folder_.path + "/clients"));
    ATOLL_ASSIGN(const auto redeemed, tokens_.redeem(request.token, *key, now));
    if (redeemed.again) {
      // The answer was lost, and perhaps the server with it before it had signed.
      ATOLL_ASSIGN(const auto issued, issued_to(redeemed.client));
      if (const auto* newest = newest_of(issued, *key))
        return answer(authority, newest->pem, newest->info, true);
    }
    return sign(authority, redeemed.client, request.csr_pem, now);
  }

  Result<Signed> renew(const net::Peer& peer, const wire::Renew& request) override {
    ATOLL_ASSIGN(const auto authority, load_authority(folder_));
    const auto key = net::key_of_request(request.csr_pem, peer.name);
    if (!key) return not_signed(key.error().message());
    ATOLL_ASSIGN(const auto issued, issued_to(peer.name));
    const Issued* shown = nullptr;
    for (const auto& one : issued) {
      if (one.info.serial == peer.serial) shown = &one;
    }
    if (shown == nullptr) return not_signed("this server does not have the certificate on file");
    if (shown->info.key != *key) return not_signed("a certificate is renewed with its own key");
    // Who asks again or too early gets what there is: certificates do not pile up.
    const auto now = std::chrono::system_clock::now();
    const auto* newest = newest_of(issued, *key);
    if (newest->info.not_after - now > newest->info.lifetime / 2)
      return answer(authority, newest->pem, newest->info, true);
    return sign(authority, peer.name, request.csr_pem, now);
  }

 private:
  struct Issued {
    std::string pem;
    net::CertificateInfo info;
  };
  static Signed answer(const net::KeyAndCertificate& authority, const std::string& certificate,
                       const net::CertificateInfo& info, bool again) {
    return Signed{{certificate, authority.certificate_pem}, info.common_name, info.serial, again};
  }

  Result<Signed> sign(const net::KeyAndCertificate& authority, const std::string& name,
                      const std::string& csr_pem, net::WallTime now) {
    // The request is good, so an error is the authority's.
    auto signature =
        net::sign_client_request(authority, csr_pem, name, now, config_.client_lifetime);
    if (!signature) return Error(ErrorCode::kIo, signature.error().message());
    const auto certificate = std::move(signature).value();
    ATOLL_ASSIGN(const auto info, net::certificate_info(certificate));
    // A client that enrols again keeps its older certificates on file, or nobody could revoke them.
    std::string all;
    if (exists(folder_.client(name))) {
      ATOLL_ASSIGN(all, read_text(folder_.client(name)));
    }
    ATOLL_TRY(write_atomic(folder_.client(name), all + certificate));
    return answer(authority, certificate, info, false);
  }

  // Every certificate of this client, oldest first.
  Result<std::vector<Issued>> issued_to(const std::string& name) const {
    std::vector<Issued> issued;
    if (!exists(folder_.client(name))) return issued;
    ATOLL_ASSIGN(const auto all, read_text(folder_.client(name)));
    for (auto& pem : certificates_in(all)) {
      auto info = net::certificate_info(pem);
      if (!info) return Error(ErrorCode::kIo, folder_.client(name) + " is damaged");
      issued.push_back({std::move(pem), std::move(info).value()});
    }
    return issued;
  }
  static const Issued* newest_of(const std::vector<Issued>& issued, const std::string& key) {
    const Issued* newest = nullptr;
    for (const auto& one : issued) {
      if (one.info.key == key &&
          (newest == nullptr || one.info.not_after >= newest->info.not_after))
        newest = &one;
    }
    return newest;
  }

  ServerFolder folder_;
  AdmissionConfig config_;
  net::TokenStore tokens_;
};

}  // namespace

std::unique_ptr<EnrolmentDesk> make_enrolment_desk(const ServerFolder& folder,
                                                   const AdmissionConfig& config) {
  return std::make_unique<Desk>(folder, config);
}

}  // namespace atl::server
