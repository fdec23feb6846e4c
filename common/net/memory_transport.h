// The in-memory transport: for simulation, and for tests that need a link to misbehave. Frames
// cross in bounded queues on one executor; there are no threads and no bytes are lost.
#pragma once

#include <memory>
#include <string>

#include "common/net/transport.h"

namespace atl::net {

class MemoryNetwork {
 public:
  explicit MemoryNetwork(asio::any_io_executor executor);
  ~MemoryNetwork();

  // One listener at a time. Closing it refuses further connections.
  std::shared_ptr<Listener> make_listener();
  // The session that the listener accepts has peer().name = `client`, authenticated.
  std::unique_ptr<Connector> make_connector(const std::string& client);

  // For tests. Cuts every session of this client now; both ends see kNetwork.
  void cut(const std::string& client);
  // While frozen, nothing arrives at either end of the client's sessions (receive runs into its
  // patience).
  void freeze(const std::string& client, bool frozen);

  struct Hub;

 private:
  std::shared_ptr<Hub> hub_;
};

}  // namespace atl::net
