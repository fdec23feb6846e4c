// One server: accepts clients, runs the round loop, and stops when it is done or told to. Several
// may live in one process.
#pragma once

#include <memory>
#include <set>

#include "server/context.h"

namespace atl::server {

class Server {
 public:
  // Everything happens on `executor` (one thread at a time); reductions on `compute`.
  Server(asio::any_io_executor executor, asio::any_io_executor compute, RunConfig config);

  Context& context() { return context_; }

  // Opens the run's folder. Call before run().
  Status open(const std::string& folder);
  // Accepts on the listener and runs all rounds; then gives clients a moment to hear that the run
  // is complete.
  net::awaitable<Status> run(std::shared_ptr<net::Listener> listener);
  // Ends run() with kInterrupted: what was committed stays.
  void stop();
  // The same once the open round is committed; at once where none is open. Of the run's last round
  // the evaluation is waited for too, and run() ends as it would have.
  void drain();

 private:
  net::awaitable<void> accept_loop(std::shared_ptr<net::Listener> listener);
  net::awaitable<void> serve(std::unique_ptr<net::Session> session);

  Context context_;
  std::set<net::Session*> sessions_;
  std::shared_ptr<asio::cancellation_signal> stop_signal_;
  bool accepting_ = false, stopped_ = false;
};

}  // namespace atl::server
