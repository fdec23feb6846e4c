// One request for a certificate: what enrolment and renewal share.
#pragma once

#include <string>

#include "common/net/transport.h"
#include "common/wire/message.h"

namespace atl::client {

// Connects, sends `request`, waits for `enrolled`, and checks that the certificate is the
// authority's, over the key and for the name of the request. `authority_pem`: the authority that is
// trusted; empty: the one of the answer. When the answer is lost with its connection, or nothing
// arrives for `patience`, it asks again on a new one, twice. kIdentity when the server refuses for
// good or the certificate is another one, kDeadline and kNetwork when it may work later, kProtocol
// on an answer that is none.
net::awaitable<Result<wire::Enrolled>> ask_for_certificate(
    net::Connector& connector, wire::Message request, std::string name, std::string authority_pem,
    net::Duration patience = net::Duration(15'000));

}  // namespace atl::client
