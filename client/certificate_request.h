// One request for a certificate over a connection that is there: what enrolment and renewal share.
#pragma once

#include <string>

#include "common/net/transport.h"
#include "common/wire/message.h"

namespace atl::client {

// Sends `request`, waits for `enrolled`, and checks that the certificate is the authority's, over
// the key and for the name of the request. `authority_pem`: the authority that is trusted; empty:
// the one of the answer. kIdentity when the server refuses for good or the certificate is another
// one, kDeadline and kNetwork when it may work later, kProtocol on an answer that is none.
net::awaitable<Result<wire::Enrolled>> ask_for_certificate(net::Session& session,
                                                           wire::Message request, std::string name,
                                                           std::string authority_pem);

}  // namespace atl::client
