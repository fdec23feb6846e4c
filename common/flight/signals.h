// Dumps that somebody else asks for: a person by SIGUSR1, and a program that is about to die.
#pragma once

#include <memory>

#include <asio/any_io_executor.hpp>

#include "common/flight/recorder.h"

namespace atl::flight {

// For the help of a program that has a SignalWatch.
constexpr const char* kHelp =
    "SIGUSR1 writes what happened last on every session to FOLDER/flight; a missed deadline and a "
    "crash do too.";

// While it lives, SIGUSR1 makes a dump of everything, on the recorder's executor; and SIGABRT (a
// failed ATOLL_CHECK, std::terminate), SIGSEGV, SIGBUS, SIGFPE and SIGILL write one from the signal
// handler before the process ends as it would have. One per process; the recorder outlives it.
//
// The handler calls clock_gettime, getpid, open, write, alarm and raise, and reads the recorder's
// memory as it stands: when another thread died while the executor was noting an event, a line may
// be wrong or the file may end early. It cannot hang (an alarm ends it after 5 s) nor run twice,
// and a signal that a sanitizer handles is left to it.
class SignalWatch {
 public:
  SignalWatch(asio::any_io_executor executor, Recorder& recorder);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace atl::flight
