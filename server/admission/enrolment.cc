#include "server/admission/enrolment.h"

#include "common/core/log.h"

namespace atl::server {

EnrolmentOutcome answer_enrolment(Context& context, const net::Peer& peer,
                                  const wire::Message& request) {
  const auto* renew = std::get_if<wire::Renew>(&request);
  auto done = renew != nullptr ? context.enrolment->renew(peer, *renew)
                               : context.enrolment->enrol(std::get<wire::Enrol>(request));
  if (!done) {
    const auto code = done.error().code();
    if (code != ErrorCode::kIdentity && code != ErrorCode::kRefused) return std::move(done).error();
    Denied denied;
    denied.cause = code == ErrorCode::kIdentity ? Denial::kBadToken : Denial::kBadRequest;
    denied.client = renew != nullptr ? peer.name : "";
    denied.address = peer.address;
    denied.serial = peer.serial;
    denied.text = done.error().message();
    denied.enrolling = true;
    return denied;
  }
  const std::string what = renew != nullptr ? "renewed " : "enrolled ";
  const std::string again = done->again ? "the same certificate again" : "";
  log::info("server", what + done->client + (again.empty() ? "" : ": " + again));
  context.audit->record({renew != nullptr ? AuditEvent::kRenewed : AuditEvent::kEnrolled,
                         done->client, peer.address, done->serial, "", again});
  return std::move(done->answer);
}

}  // namespace atl::server
