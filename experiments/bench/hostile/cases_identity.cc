// Who is not who he says, and who says nothing at all that could be checked.
#include <openssl/ssl.h>

#include "common/net/token.h"
#include "experiments/bench/hostile/cases.h"
#include "experiments/bench/process.h"

namespace atl::bench {
namespace {

using wire::Reason;

Verdict shake_hands_with(Intruder& x, const Result<net::KeyAndCertificate>& identity) {
  if (!identity) return closed();
  x.shake_hands(&*identity);
  return x.verdict();
}
net::WallTime now() { return std::chrono::system_clock::now(); }
constexpr std::chrono::hours kDay{24};
const Verdict kCannotBeSigned = refused(Reason::kBadRequest);

Verdict write_and_see(Intruder& x, std::string_view text) {
  x.write(as_bytes(text));
  x.finish_writing();
  return x.verdict();
}

Result<std::string> token_for(const Intruder& x, const std::string& client, net::WallTime from,
                              std::chrono::seconds lifetime) {
  ATOLL_ASSIGN(const auto info, net::certificate_info(x.ground().authority.certificate_pem));
  return net::TokenStore(x.ground().folder + "/tokens.json")
      .issue(client, info.fingerprint, from, lifetime);
}
Verdict enrol(Intruder& x, const std::string& token, const std::string& name) {
  const auto request = net::make_key_and_request(name);
  if (!request) return closed();
  x.say(wire::Enrol{token, request->request_pem});
  return x.verdict();
}
// A new token for this client, used by a request of that name.
Verdict enrol_with_token(Intruder& x, const std::string& client, const std::string& name,
                         net::WallTime from = now()) {
  const auto token = token_for(x, client, from, std::chrono::minutes(10));
  return token ? enrol(x, *token, name) : closed();
}

}  // namespace

std::vector<Case> identity_cases() {
  constexpr auto kTcp = Stage::kTcp, kStranger = Stage::kStranger;
  const auto unauthenticated = refused(Reason::kUnauthenticated);
  return {
      {"hello without a certificate", kStranger, unauthenticated, "certificate",
       [](Intruder& x) {
         x.say(wire::Hello{"client0", 1, 0, ""});
         return x.verdict();
       }},
      {"an offer without a certificate", kStranger, unauthenticated, "certificate",
       [](Intruder& x) {
         x.say(offer_of(1, good_update(x.ground().manifest)));
         return x.verdict();
       }},
      {"a frame without TLS", kTcp, closed(), "",
       [](Intruder& x) {
         x.say(wire::Hello{"client0", 1, 0, ""});
         x.finish_writing();
         return x.verdict();
       }},
      {"a certificate of a foreign authority", kTcp, alert(SSL_AD_UNKNOWN_CA), "",
       [](Intruder& x) {
         Ground foreign = x.ground();
         auto authority = net::create_authority("Foreign", now(), kDay);
         if (!authority) return closed();
         foreign.authority = *authority;
         return shake_hands_with(x, foreign.mint("client0"));
       }},
      {"a certificate of an authority of the same name", kTcp, alert(SSL_AD_UNKNOWN_CA), "",
       [](Intruder& x) {
         Ground foreign = x.ground();
         auto authority = net::create_authority("Atoll federation", now(), kDay);
         if (!authority) return closed();
         foreign.authority = *authority;
         return shake_hands_with(x, foreign.mint("client0"));
       }},
      {"a certificate signed by itself", kTcp, alert(SSL_AD_UNKNOWN_CA), "",
       [](Intruder& x) {
         return shake_hands_with(x, net::create_authority("client0", now(), kDay));
       }},
      {"an expired certificate, which may only be renewed", kTcp, refused(Reason::kExpired), "",
       [](Intruder& x) {
         const auto identity = x.ground().mint("client0", kDay, now() - 2 * kDay);
         if (!identity || !x.shake_hands(&*identity)) return x.verdict();
         x.say(wire::Hello{"client0", 1, 0, ""});
         return x.verdict();
       }},
      {"a certificate that expired long ago", kTcp, alert(SSL_AD_CERTIFICATE_EXPIRED), "",
       [](Intruder& x) {
         return shake_hands_with(x, x.ground().mint("client0", kDay, now() - 60 * kDay));
       }},
      {"a certificate of tomorrow", kTcp, alert(SSL_AD_BAD_CERTIFICATE), "",
       [](Intruder& x) {
         return shake_hands_with(x, x.ground().mint("client0", kDay, now() + kDay));
       }},
      {"a server's certificate", kTcp, alert(SSL_AD_UNSUPPORTED_CERTIFICATE), "",
       [](Intruder& x) {
         return shake_hands_with(
             x, net::issue_server_certificate(x.ground().authority, {}, now(), kDay));
       }},
      {"the name of another client", Stage::kCertified, refused(Reason::kWrongName), "not for",
       [](Intruder& x) {
         x.say(wire::Hello{"client0", 1, 0, ""});
         return x.verdict();
       }},
      {"a revoked certificate", Stage::kNothing, alert(SSL_AD_CERTIFICATE_REVOKED), "",
       [](Intruder& x) {
         // Enrolled as a client is, so that the operator can revoke it.
         const auto token = token_for(x, "revoked", now(), std::chrono::minutes(10));
         const auto request = net::make_key_and_request("revoked");
         Intruder before(x.ground());
         wire::Message answer;
         if (!token || !request || !before.connect() || !before.shake_hands(nullptr) ||
             !before.say(wire::Enrol{*token, request->request_pem}) || !before.hear(answer))
           return before.verdict();
         const auto* enrolled = std::get_if<wire::Enrolled>(&answer);
         if (enrolled == nullptr ||
             !output_of({x.ground().server, "revoke", x.ground().folder, "revoked"}))
           return closed();
         x.connect();
         return shake_hands_with(
             x, net::KeyAndCertificate{request->key_pem, enrolled->certificate_pem});
       }},
      {"a token that was used", kStranger, refused(Reason::kBadToken), "used",
       [](Intruder& x) {
         const auto token = token_for(x, "twice", now(), std::chrono::minutes(10));
         if (!token) return closed();
         Intruder first(x.ground());
         if (!first.connect() || !first.shake_hands(nullptr)) return first.verdict();
         (void)enrol(first, *token, "twice");
         return enrol(x, *token, "twice");
       }},
      {"a token that has expired", kStranger, refused(Reason::kBadToken), "expired",
       [](Intruder& x) { return enrol_with_token(x, "late", "late", now() - kDay); }},
      {"a token of another server", kStranger, refused(Reason::kBadToken), "unknown",
       [](Intruder& x) {
         return enrol(x, "atoll1." + std::string(32, 'A') + "." + std::string(64, '0') + ".other",
                      "other");
       }},
      {"garbage for a token", kStranger, refused(Reason::kBadToken), "not an enrolment token",
       [](Intruder& x) { return enrol(x, std::string(4000, 'x'), "other"); }},
      {"a token with a path for a client", kStranger, refused(Reason::kBadToken), "",
       [](Intruder& x) {
         return enrol(x, "atoll1." + std::string(32, 'A') + "." + std::string(64, '0') + ".../../x",
                      "../../x");
       }},
      {"a certificate request for another name", kStranger, kCannotBeSigned, "somebody else",
       [](Intruder& x) { return enrol_with_token(x, "right", "wrong"); }},
      {"garbage for a certificate request", kStranger, kCannotBeSigned, "request",
       [](Intruder& x) {
         const auto token = token_for(x, "garbled", now(), std::chrono::minutes(10));
         x.say(wire::Enrol{token ? *token : "", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"});
         return x.verdict();
       }},
      {"a certificate request of 100 KiB", kStranger, refused(Reason::kUnexpected),
       "enrol.csr_pem is longer",
       [](Intruder& x) {
         x.say(wire::Enrol{"token", std::string(100 << 10, 'A')});
         return x.verdict();
       }},
      {"a certificate request of 1 MiB", kStranger, refused(Reason::kUnexpected), "at most 131072",
       [](Intruder& x) {
         x.say(wire::Enrol{"token", std::string(1 << 20, 'A')});
         return x.verdict();
       }},
      {"an HTTP request", kTcp, closed(), "",
       [](Intruder& x) { return write_and_see(x, "GET /status HTTP/1.1\r\nHost: atoll\r\n\r\n"); }},
      {"garbage over TCP", kTcp, closed(), "",
       [](Intruder& x) { return write_and_see(x, std::string(100'000, '\xa5')); }},
      {"TLS 1.2", kTcp, alert(SSL_AD_PROTOCOL_VERSION), "",
       [](Intruder& x) {
         x.shake_hands(nullptr, TLS1_2_VERSION);
         return x.verdict();
       }},
  };
}

}  // namespace atl::bench
