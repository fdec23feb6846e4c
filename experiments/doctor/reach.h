// Whether a client would get through to its server: name, TCP, TLS 1.3 with both certificates.
#pragma once

#include <string>

#include "client/enroll.h"

namespace atl::workbench {

// Makes the connection that `atoll-client run` would make, and ends it without joining. The text
// names the address that was reached. kNetwork: no such name, nobody there, no TLS. kIdentity: one
// side does not take the other's certificate, and says why.
Result<std::string> reach_server(const client::ClientFolder& folder, const std::string& server);

// Whether a port can be listened on now. kAddressInUse, kNetwork.
Result<std::string> check_port(const std::string& address);

}  // namespace atl::workbench
