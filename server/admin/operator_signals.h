// What an operator asks of a running server by signal (kill, systemctl, docker kill -s).
//
//   SIGTERM, SIGINT   stop: the write under way is finished; the open round goes on at the next
//   start SIGUSR2           drain: the open round is finished first, no other begins SIGHUP reload:
//   server.toml and the certificate are read again (reload.h); of a
//                     server that was started from a terminal which is gone now, stop
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/signal_set.hpp>
#include <functional>
#include <string>
#include <vector>

#include "server/server.h"

namespace atl::server {

// For the help of the program.
constexpr const char* kSignalsHelp =
    "SIGTERM stops: what was committed stays, and the open round goes on at the next start. "
    "SIGUSR2 "
    "drains: the open round is finished first. SIGHUP reads server.toml and the certificate again.";

// While it lives, the signals come to this server. One per process; the server outlives it.
class OperatorSignals {
 public:
  // The lines that are worth telling; an error changes nothing but the log.
  using Reload = std::function<Result<std::vector<std::string>>()>;
  // `reload` is called on the executor, which is the server's.
  OperatorSignals(asio::any_io_executor executor, Server& server, Reload reload);
  OperatorSignals(const OperatorSignals&) = delete;
  OperatorSignals& operator=(const OperatorSignals&) = delete;

 private:
  void wait();
  void stop();
  void hang_up();

  asio::signal_set signals_;
  Server& server_;
  Reload reload_;
  bool had_terminal_;
};

}  // namespace atl::server
