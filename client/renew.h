// Renewal: a client gets a new certificate before its old one ends, or in a while after that, and
// no operator does anything.
//
// The key stays the same. A new one would keep no thief out: whoever has the old key can renew as
// well, and is put out by revocation. With the old key a renewal is one file that is replaced in
// one step, and an answer that was lost is the same answer when it is asked for again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/enroll.h"
#include "common/net/identity.h"

namespace atl::client {

using Say = std::function<void(const std::string&)>;

// The last third of the certificate's life has begun, or it is over. kIo and kIdentity when the
// certificate cannot be read.
Result<bool> is_renewal_due(const ClientFolder& folder, net::WallTime now);
// Renews over a connection of its own. The old certificate stays until the new one, checked and
// written in full, takes its place. Errors as of ask_for_certificate, connect() and files.
net::awaitable<Status> renew(ClientFolder folder, std::string server);

// Connects with the folder's certificate, and renews it before that when it is due. A renewal that
// fails is said, and tried again at the next connection; only with an expired certificate there is
// no connection then. The server's name and the files are read anew each time.
std::unique_ptr<net::Connector> make_renewing_connector(
    asio::any_io_executor executor, ClientFolder folder, std::string server, Say say,
    std::function<net::WallTime()> now = std::chrono::system_clock::now);
// For as long as it is kept running: renews when it is due, however long a connection lives. Looks
// twelve times in a certificate's life, at least once an hour.
net::awaitable<void> keep_renewing(ClientFolder folder, std::string server, Say say);

}  // namespace atl::client
