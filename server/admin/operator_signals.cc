#include "server/admin/operator_signals.h"

#include <signal.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/core/supervisor.h"

namespace atl::server {

OperatorSignals::OperatorSignals(asio::any_io_executor executor, Server& server, Reload reload)
    : signals_(std::move(executor)),
      server_(server),
      reload_(std::move(reload)),
      had_terminal_(::isatty(STDIN_FILENO) == 1) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR2, SIGHUP}) signals_.add(signal);
  wait();
}

void OperatorSignals::wait() {
  signals_.async_wait([this](const asio::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP)
      hang_up();
    else if (signal == SIGUSR2)
      server_.drain();
    else
      return stop();
    wait();
  });
}

void OperatorSignals::stop() {
  log::info("server", "stopping; what was committed stays");
  tell_supervisor("STOPPING=1");
  server_.stop();
}

void OperatorSignals::hang_up() {
  if (had_terminal_ && ::isatty(STDIN_FILENO) != 1) return stop();
  const auto lines = reload_();
  if (!lines) {
    return log::error("server",
                      "not reloaded, and nothing has changed: " + lines.error().explain());
  }
  log::info("server", "reloaded");
  for (const auto& line : *lines) log::info("server", "  " + line);
}

}  // namespace atl::server
