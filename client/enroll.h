// Enrolment: a client makes its key, has it certified with a one-time token, and keeps both in a
// folder of its own, beside a commented client.toml:
//
//   client.toml        name, server, data, device
//   identity/          client.key (owner-only, never leaves the machine), client.pem, authority.pem
//   kept/              a finished update that the server has not committed yet (kept_update.h)
//   local/             tensors that stay here, under a policy that has such (local_state.h)
//   flight/            what happened last, when something went wrong (common/flight/recorder.h)
#pragma once

#include <string>

#include "common/net/transport.h"

namespace atl::client {

struct ClientFolder {
  std::string path;
  std::string config() const { return path + "/client.toml"; }
  std::string authority() const { return path + "/identity/authority.pem"; }
  std::string certificate() const { return path + "/identity/client.pem"; }
  std::string key() const { return path + "/identity/client.key"; }
  std::string kept() const { return path + "/kept"; }
  std::string local() const { return path + "/local"; }
  std::string flight() const { return path + "/flight"; }
};

// Connects to the server of the token (known by the fingerprint in it), sends a certificate
// request, writes the folder. A folder that holds an identity already is kept: kUsage. kIdentity
// when the token is not good any more or the server is another one. The key is written first: when
// the answer is lost, the same command with the same token gets the certificate.
net::awaitable<Status> enroll(ClientFolder folder, std::string server, std::string token);

}  // namespace atl::client
