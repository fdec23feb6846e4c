#include "server/admission/denial.h"

#include "common/core/log.h"
#include "server/context.h"

namespace atl::server {

using wire::Reason;

std::string_view to_string(Denial cause) {
  constexpr std::string_view kNames[] = {"handshake",   "no_certificate", "wrong_name", "bad_token",
                                         "bad_request", "not_allowed",    "revoked",    "expired"};
  static_assert(std::size(kNames) == kDenials);
  return kNames[static_cast<size_t>(cause)];
}

Reason reason_of(Denial cause) {
  switch (cause) {
    case Denial::kHandshake:
    case Denial::kNoCertificate:
    case Denial::kRevoked:
      return Reason::kUnauthenticated;
    case Denial::kWrongName:
      return Reason::kWrongName;
    case Denial::kBadToken:
      return Reason::kBadToken;
    case Denial::kBadRequest:
      return Reason::kBadRequest;
    case Denial::kNotAllowed:
      return Reason::kNotAllowed;
    case Denial::kExpired:
      return Reason::kExpired;
  }
  return Reason::kUnauthenticated;
}

Reason deny(Context& context, const Denied& denied) {
  ++context.admission.denied[static_cast<size_t>(denied.cause)];
  const auto event = denied.enrolling ? AuditEvent::kEnrolmentRefused : AuditEvent::kRefused;
  const bool written = context.audit->record({event, denied.client, denied.address, denied.serial,
                                              std::string(to_string(denied.cause)), denied.text});
  // Who keeps coming fills the program's log no more than the audit log.
  const auto line = "refused " + denied.address +
                    (denied.client.empty() ? "" : " (" + denied.client + ")") + ": " + denied.text;
  written ? log::warn("server", line) : log::debug("server", line);
  return reason_of(denied.cause);
}

Denied denied_handshake(const net::FailedHandshake& failed) {
  auto cause = Denial::kHandshake;
  if (failed.cause == net::FailedHandshake::Cause::kRevoked) cause = Denial::kRevoked;
  if (failed.cause == net::FailedHandshake::Cause::kExpired) cause = Denial::kExpired;
  return {cause, failed.name, failed.address, failed.serial, failed.text};
}

std::optional<Denied> examine(const Context& context, const net::Peer& peer,
                              const wire::Message& first) {
  if (std::holds_alternative<wire::Enrol>(first)) return std::nullopt;
  Denied denied;
  denied.client = peer.authenticated || peer.expired ? peer.name : "";
  denied.address = peer.address;
  denied.serial = peer.serial;
  const auto because = [&denied](Denial cause, std::string text) {
    denied.cause = cause;
    denied.text = std::move(text);
    return denied;
  };
  const bool renewing = std::holds_alternative<wire::Renew>(first);
  if (peer.expired && !renewing) {
    return because(Denial::kExpired,
                   "the certificate has expired; all that can be done with it is to renew it");
  }
  if (!context.trust_names && !peer.authenticated && !peer.expired) {
    return because(Denial::kNoCertificate,
                   "this server needs a client certificate; get one with `atoll-client enroll`");
  }
  if (context.admission.revoked && !peer.serial.empty() && context.admission.revoked(peer.serial))
    return because(Denial::kRevoked, "the certificate is revoked");
  if (const auto* hello = std::get_if<wire::Hello>(&first)) {
    if (!peer.name.empty() && peer.name != hello->client) {
      return because(Denial::kWrongName, "the certificate is for \"" + peer.name +
                                             "\", not for \"" + hello->client + "\"");
    }
  }
  return std::nullopt;
}

}  // namespace atl::server
