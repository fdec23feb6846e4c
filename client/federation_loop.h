// The client's side of a federation: connect, join, and do what the server asks until the run is
// over. It retries for ever with jittered back-off; a lost connection never loses a finished
// update, which is offered again.
//
// The client leads the conversation and has one request open at a time (common/wire/wire.md), so a
// message that is lost with its connection is simply sent again on the next one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/trainer.h"
#include "common/net/transport.h"
#include "common/wire/message.h"

namespace atl::client {

// Makes the trainer for the run's model. kModel or kConfig when this client cannot train it.
using TrainerFactory = std::function<Result<std::unique_ptr<Trainer>>(const wire::Welcome& run)>;

struct LoopOptions {
  std::string name;  // the client's, as in its certificate
  uint64_t train_examples = 0, test_examples = 0;
  net::Duration heartbeat{
      10'000};  // while training; the server drops a silent connection after 60 s
  // No byte from the server for so long, or none that it takes: reconnect, and say the last request
  // again. While it may wait for work to come up, the server's poll time comes on top.
  net::Duration patience{20'000};
  net::Duration retry_least{500}, retry_most{30'000};
  bool once = false;  // give up at the first lost connection (tests)
  // Where a finished update is hashed; empty: on `compute`. A process that trains many clients
  // names a pool of its own, else a client's upload waits for others' training.
  asio::any_io_executor aside;
  // Where a finished update is kept until its round is committed, so that neither the server's
  // death nor this client's costs a training; made when missing. Empty: in memory (one model).
  std::string keep_folder;
  // Where tensors that stay with this client are kept between rounds, under a policy that has such
  // (client/local_trainer.h); made when needed. Empty: in memory.
  std::string local_folder;
  // A finished update in memory: keep it until the round is committed, not only until the server
  // has taken it. Without it, a round that is lost with its server is trained again, to the same
  // bits.
  bool keep_until_committed = true;
  // Called with what the client is doing, for its log.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

// Runs until the server says that the run is complete (success), or refuses the client for good:
// kIdentity, kModel, kRefused. `compute` is where trainer.run() is called.
net::awaitable<Status> run_federation(net::Connector& connector, TrainerFactory factory,
                                      asio::any_io_executor compute, LoopOptions options);

}  // namespace atl::client
