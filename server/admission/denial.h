// The one way that everybody goes who is not let in, whether the handshake, the first message or
// the enrolment desk stopped them.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "common/net/tls_transport.h"
#include "common/wire/message.h"
#include "server/admission/failure_limit.h"

namespace atl::server {

struct Context;

enum class Denial {
  kHandshake,      // no TLS, no certificate of this authority, silence
  kNoCertificate,  // got through the handshake to enrol, and asked for something else
  kWrongName,      // the name claimed is not the certificate's
  kBadToken,
  kBadRequest,  // a certificate request that cannot be signed
  kNotAllowed,  // not on [admission] allow
  kRevoked,
  kExpired,
  kTooOften,  // too many attempts from this address have failed
};
constexpr size_t kDenials = 9;
std::string_view to_string(Denial cause);  // "handshake", "no_certificate", ...
wire::Reason reason_of(Denial cause);

struct Denied {
  Denial cause = Denial::kHandshake;
  std::string client;  // as a certificate or token proves it; empty where nothing does
  std::string address, serial;
  std::string text;  // for the peer and for the logs
  bool enrolling = false;
};

// What decides who is let in; part of Context.
struct Admission {
  std::vector<std::string> allow;  // AdmissionConfig::allow
  FailureLimit failures;
  std::function<bool(const std::string& serial)> revoked;  // empty: nothing is
  std::function<bool()> list_changed;                      // since it was last asked; empty: never
  net::Duration look_every{1'000};          // for certificates revoked while their sessions live
  std::array<uint64_t, kDenials> denied{};  // how often, by cause
};

// Whether the list lets a client of this name take part.
bool is_allowed(const Admission& admission, const std::string& name);
// Logs, audits and counts one denial, and says what the peer is told. It never fails.
wire::Reason deny(Context& context, const Denied& denied);
// A handshake that failed, as the transport tells it.
Denied denied_handshake(const net::FailedHandshake& failed);
// What keeps this peer from beginning with this message; empty: nothing does. What the enrolment
// desk decides is not looked at.
std::optional<Denied> examine(const Context& context, const net::Peer& peer,
                              const wire::Message& first);

}  // namespace atl::server
