// The folder of one server, made by `atoll-server init`:
//
//   server.toml     address, names, and the run ([model], [train], ...), with comments
//   identity/       authority.pem authority.key server.pem server.key   (keys owner-only);
//                   watch.token: who may look at the status page from elsewhere (server/watch)
//   tokens.json     one-time enrolment tokens, hashed
//   revoked.txt     certificates that are no longer good
//   clients/        certificates signed so far, one file a client, oldest first
//   audit.jsonl     who enrolled, came, was turned away (server/audit/audit_log.h)
//   flight/         what happened last on every session, when something went wrong
//                   (common/flight/recorder.h)
//   address         where the running server listens, "host:port" with the port really bound
//   watch           the status page's URL while it is served
//   run/            what RunStore keeps
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/net/token.h"
#include "server/context.h"

namespace atl::server {

struct ServerFolder {
  std::string path;
  std::string config() const { return path + "/server.toml"; }
  std::string authority() const { return path + "/identity/authority.pem"; }
  std::string authority_key() const { return path + "/identity/authority.key"; }
  std::string certificate() const { return path + "/identity/server.pem"; }
  std::string key() const { return path + "/identity/server.key"; }
  std::string tokens() const { return path + "/tokens.json"; }
  std::string revoked() const { return path + "/revoked.txt"; }
  std::string client(const std::string& name) const { return path + "/clients/" + name + ".pem"; }
  std::string audit() const { return path + "/audit.jsonl"; }
  std::string flight() const { return path + "/flight"; }
  std::string address() const { return path + "/address"; }
  std::string watch_token() const { return path + "/identity/watch.token"; }
  std::string watch() const { return path + "/watch"; }
  std::string run() const { return path + "/run"; }
  std::string quarantine() const { return run() + "/quarantine.json"; }
};

// Makes the folder: authority, server certificate for `names`, commented configuration. kUsage when
// there is one already, or an address or name is malformed.
Status init_folder(const ServerFolder& folder, const std::vector<std::string>& names,
                   const std::string& listen);
// A one-time token for a client of this name.
Result<std::string> issue_token(const ServerFolder& folder, const std::string& client,
                                std::chrono::seconds lifetime);
// Puts all of a client's certificates on the list of revoked ones, and withdraws its tokens; a
// running server honours it within a second: no handshake, and no session that lives already. What
// was not on the list before is recorded in the audit log. kUsage when it has neither.
Status revoke_client(const ServerFolder& folder, const std::string& client);
// What the running (or last) server wrote about itself: JSON text.
Result<std::string> read_status(const ServerFolder& folder);

// The authority with its key. kUsage, with what to do, when there is none.
Result<net::KeyAndCertificate> load_authority(const ServerFolder& folder);
// One after the other, as clients/NAME.pem holds them.
std::vector<std::string> certificates_in(const std::string& pem);

}  // namespace atl::server
