// Supervised: a program that may be frozen and killed at a named fault point and is started again,
// as an operator's supervisor would. One life after the other; all lives write to one log.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::bench {

class Supervised {
 public:
  // Not started yet. The log is emptied.
  Supervised(std::vector<std::string> command, std::string log_file);
  ~Supervised();  // kills it
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  // `fault`: what ATOLL_FAULT is in this life; empty: not set.
  Status start(const std::string& fault = {});
  // True once the program has stopped itself; false when it ended, or when the limit passed.
  bool wait_until_stopped(std::chrono::milliseconds limit);
  void resume();  // SIGCONT
  void kill();    // SIGKILL, and waits for the end
  bool running();
  // Exit status, 128 + signal when it was killed; -1 when it is still running after the limit.
  int wait(std::chrono::milliseconds limit);
  const std::string& log_file() const { return log_file_; }

 private:
  enum class State { kNone, kRunning, kStopped, kEnded };
  void look(bool block);
  std::vector<std::string> command_;
  std::string log_file_;
  pid_t pid_ = -1;
  State state_ = State::kNone;
  int status_ = 0;
};

}  // namespace atl::bench
