// Another program, run and watched.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/core/result.h"

namespace atl::bench {

// The path of one of Atoll's programs: the one asked for, or by default the one beside this
// program. kUsage when it is not there.
Result<std::string> find_program(const std::string& asked, const std::string& name);

// Runs a program to its end; its standard output. The error holds what it wrote to standard error.
Result<std::string> output_of(const std::vector<std::string>& command);

struct Usage {
  uint64_t rss = 0, peak_rss = 0;  // bytes
  double cpu = 0;                  // seconds, user and system
};

// A program in the background. Its standard error is read and its last lines are kept.
class Process {
 public:
  static Result<std::unique_ptr<Process>> start(const std::vector<std::string>& command);
  ~Process();  // kills it
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // What follows `text` on the first line of standard error that holds it. Call once. kDeadline,
  // with what was written, when the program ends before.
  Result<std::string> wait_for(const std::string& text);
  // Milliseconds from just before the program was started to that line.
  double milliseconds_to_line() const { return to_line_; }
  // Nothing when the program has ended.
  bool usage(Usage& out) const;
  double first_thread_cpu() const;  // seconds; 0 when the program has ended
  size_t descriptors() const;       // open now; 0 when the program has ended
  // Waits for its end. An error when its status is not 0.
  Status wait();

 private:
  Process(pid_t pid, int errors, std::chrono::steady_clock::time_point begun)
      : pid_(pid), errors_(errors), begun_(begun) {}
  void drain();

  pid_t pid_;
  int errors_;  // reading end of its standard error
  std::chrono::steady_clock::time_point begun_;
  double to_line_ = 0;
  std::string tail_;
  std::thread drainer_;
};

}  // namespace atl::bench
