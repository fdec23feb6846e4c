// What makes a server the one of its folder: its keys for TLS, who enrols, who is revoked.
#pragma once

#include <memory>
#include <mutex>

#include "common/net/revocation.h"
#include "common/net/tls_transport.h"
#include "server/admin/folder.h"
#include "server/admission/config.h"

namespace atl::server {

// Lives as long as the server whose context it is attached to. Used on the server's executor; of
// the handshakes, which may be made elsewhere, `revoked` is thread-safe.
class SecuredFolder {
 public:
  explicit SecuredFolder(const ServerFolder& folder, const AdmissionConfig& config = {});

  // Lets the server enrol and refuse by what stands in the folder. The options are for listen_tls;
  // every handshake that fails goes through deny().
  net::TlsServer attach(Context& context);
  // [admission] and [identity] from now on, of the context it is attached to. Who may not take part
  // any more is cut off.
  void reload(const AdmissionConfig& config, Context& context);

  // The part of attach() that needs no certificates: who may come, and how often may fail.
  void limit(Context& context) const;

 private:
  bool is_revoked(const std::string& serial);
  Result<bool> list_changed();
  ServerFolder folder_;
  AdmissionConfig config_;
  std::unique_ptr<EnrolmentDesk> desk_;
  std::mutex mutex_;
  net::RevocationList revoked_;  // under the mutex
  bool unreadable_ = false;      // the list, when it was last looked at
};

}  // namespace atl::server
