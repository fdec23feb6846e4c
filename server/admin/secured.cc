#include "server/admin/secured.h"

#include "common/core/log.h"
#include "server/admin/enrolment_desk.h"
#include "server/admission/revocation_watch.h"

namespace atl::server {

SecuredFolder::SecuredFolder(const ServerFolder& folder, const AdmissionConfig& config)
    : folder_(folder),
      config_(config),
      desk_(make_enrolment_desk(folder, config)),
      revoked_(folder.revoked()) {}

// A list that cannot be read must not let anyone in.
bool SecuredFolder::is_revoked(const std::string& serial) {
  const std::lock_guard lock(mutex_);
  const auto found = revoked_.contains(serial);
  if (!found) log::error("server", found.error().message());
  return !found || *found;
}

Result<bool> SecuredFolder::list_changed() {
  const std::lock_guard lock(mutex_);
  return revoked_.changed();
}

void SecuredFolder::reload(const AdmissionConfig& config, Context& context) {
  config_ = config;
  if (context.enrolment == desk_.get()) {
    desk_ = make_enrolment_desk(folder_, config);
    context.enrolment = desk_.get();
  }
  limit(context);
  cut_unwelcome(context);
}

void SecuredFolder::limit(Context& context) const {
  context.admission.allow = config_.allow;
  context.admission.failures.set(config_.failed_attempts, config_.failed_attempts_a_minute);
}

net::TlsServer SecuredFolder::attach(Context& context) {
  const auto revoked = [this](const std::string& serial) { return is_revoked(serial); };
  context.enrolment = desk_.get();
  context.admission.revoked = revoked;
  context.admission.list_changed = [this] {
    const auto changed = list_changed();
    // Nobody new gets in meanwhile; who is in stays.
    if (!changed && !unreadable_) log::error("server", changed.error().message());
    unreadable_ = !changed;
    return changed && *changed;
  };
  limit(context);
  net::TlsServer tls;
  tls.authority_file = folder_.authority();
  tls.certificate_file = folder_.certificate();
  tls.key_file = folder_.key();
  tls.revoked = revoked;
  tls.expired_grace = [this] { return config_.renew_grace; };
  tls.admit = [&context](const std::string& address) {
    if (!context.admission.failures.is_spent(address)) return true;
    Denied denied{Denial::kTooOften, "", address, "", "too many attempts from there have failed"};
    deny(context, denied);
    return false;
  };
  tls.on_failed = [&context](const net::FailedHandshake& failed) {
    deny(context, denied_handshake(failed));
  };
  return tls;
}

}  // namespace atl::server
