// Answers who asks for a certificate: with a token, or with a certificate that runs out.
#pragma once

#include <variant>

#include "server/context.h"

namespace atl::server {

// The certificate; why the peer gets none; or why the server cannot do its part. What was signed is
// logged and audited here, a Denied by deny(). `request` is an enrol or a renew that examine() let
// pass; context.enrolment is not null.
using EnrolmentOutcome = std::variant<wire::Enrolled, Denied, Error>;
EnrolmentOutcome answer_enrolment(Context& context, const net::Peer& peer,
                                  const wire::Message& request);

}  // namespace atl::server
