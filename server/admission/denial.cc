#include "server/admission/denial.h"

#include <algorithm>

#include "common/core/log.h"
#include "common/net/token.h"
#include "server/admission/config.h"
#include "server/context.h"

namespace atl::server {

using wire::Reason;

std::string_view to_string(Denial cause) {
  constexpr std::string_view kNames[] = {"handshake", "no_certificate", "wrong_name",
                                         "bad_token", "bad_request",    "not_allowed",
                                         "revoked",   "expired",        "too_often"};
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
    case Denial::kTooOften:
      return Reason::kBusy;
  }
  return Reason::kUnauthenticated;
}

Reason deny(Context& context, const Denied& denied) {
  ++context.admission.denied[static_cast<size_t>(denied.cause)];
  if (denied.cause != Denial::kTooOften) context.admission.failures.failed(denied.address);
  context.flight.turned_away(to_string(denied.cause), denied.address, denied.client, denied.text);
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

bool is_allowed(const Admission& admission, const std::string& name) {
  const auto& allow = admission.allow;
  const auto fits = [&name](const auto& pattern) { return matches(pattern, name); };
  return allow.empty() || std::any_of(allow.begin(), allow.end(), fits);
}

std::optional<Denied> examine(const Context& context, const net::Peer& peer,
                              const wire::Message& first) {
  Denied denied;
  denied.client = peer.authenticated || peer.expired ? peer.name : "";
  denied.address = peer.address;
  denied.serial = peer.serial;
  const auto because = [&denied](Denial cause, std::string text) {
    denied.cause = cause;
    denied.text = std::move(text);
    return denied;
  };
  const auto not_allowed = [&](const std::string& name) {
    return !is_allowed(context.admission, name);
  };
  const auto text_for = [](const std::string& name) {
    return "this server does not let \"" + name + "\" in";
  };
  // A certificate is proof enough; tokens may not be tried out.
  if (!peer.authenticated && context.admission.failures.is_spent(peer.address))
    return because(Denial::kTooOften, "too many attempts from this address have failed; wait");
  if (const auto* enrol = std::get_if<wire::Enrol>(&first)) {
    denied.enrolling = true;
    const auto token = net::parse_token(enrol->token);
    if (token && not_allowed(token->client))
      return because(Denial::kNotAllowed, text_for(token->client));
    return std::nullopt;
  }
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
    if (not_allowed(hello->client)) return because(Denial::kNotAllowed, text_for(hello->client));
  }
  if (renewing && not_allowed(peer.name)) return because(Denial::kNotAllowed, text_for(peer.name));
  return std::nullopt;
}

}  // namespace atl::server
