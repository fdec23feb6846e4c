#include "common/flight/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <asio/signal_set.hpp>
#include <atomic>
#include <cstring>

#include "common/core/file.h"
#include "common/core/log.h"
#include "common/flight/dump.h"

namespace atl::flight {
namespace {

constexpr int kFatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr unsigned kLongest = 5;  // seconds

// A signal handler has nothing but globals.
std::atomic<const Recorder*> dying{nullptr};
char crash_path[4096];

std::string_view name_of(int signal) {
  switch (signal) {
    case SIGABRT:
      return "SIGABRT";
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    default:
      return "SIGILL";
  }
}

void say(std::string_view text) {
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

// The signal is back at its default by now (SA_RESETHAND), and comes again when this returns.
void on_fatal(int signal) {
  if (const Recorder* recorder = dying.exchange(nullptr)) {
    ::alarm(kLongest);
    const int file = ::open(crash_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (file >= 0) {
      recorder->write_crash(file, name_of(signal));
      ::close(file);
      say("flight: what happened before is in ");
      say(crash_path);
      say("\n");
    }
  }
  ::raise(signal);
}

}  // namespace

struct SignalWatch::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor executor, Recorder& one) : signals(executor), recorder(&one) {}

  void wait() {
    signals.async_wait([self = shared_from_this()](const asio::error_code& error, int) {
      if (error || self->recorder == nullptr) return;
      const auto path = self->recorder->dump(Cause::kSignal, "SIGUSR1");
      if (path)
        log::info("flight", "the last events of all sessions are in " + *path);
      else
        log::error("flight", "cannot write the last events: " + path.error().message());
      self->wait();
    });
  }
  asio::signal_set signals;
  Recorder* recorder;
};

SignalWatch::SignalWatch(asio::any_io_executor executor, Recorder& recorder)
    : state_(std::make_shared<State>(std::move(executor), recorder)) {
  asio::error_code ignored;
  state_->signals.add(SIGUSR1, ignored);
  state_->wait();
  const auto path = dump_path(recorder.folder(), Cause::kCrash, 0);
  if (recorder.folder().empty() || path.size() >= sizeof(crash_path)) return;
  if (auto made = make_folders(recorder.folder()); !made)
    log::warn("flight", made.error().message());
  std::memcpy(crash_path, path.c_str(), path.size() + 1);
  dying = &recorder;
  for (const int signal : kFatal) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_handler = on_fatal;
    ours.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &ours, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  state_->recorder = nullptr;
  asio::error_code ignored;
  state_->signals.cancel(ignored);
  dying = nullptr;
  for (const int signal : kFatal) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler == on_fatal) ::signal(signal, SIG_DFL);
  }
}

}  // namespace atl::flight
