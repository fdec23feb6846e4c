// A program of ours, started beside this one: its output goes to a file, and it does not outlive
// us.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::workbench {

class ChildProcess {
 public:
  // argv[0] is the path of the program. kIo when it cannot be started.
  static Result<ChildProcess> start(const std::vector<std::string>& argv,
                                    const std::string& log_file);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // asks it to end (SIGTERM), and waits

  bool running();
  // Exit status; 128 + signal when killed. Waits for the end.
  int wait();
  void signal(int number);
  pid_t pid() const { return pid_; }
  const std::string& log_file() const { return log_file_; }

 private:
  ChildProcess(pid_t pid, std::string log_file) : pid_(pid), log_file_(std::move(log_file)) {}
  void reap(bool block);
  pid_t pid_ = -1;
  bool over_ = false;
  int status_ = 0;
  std::string log_file_;
};

// The folder of the running program, where its sisters lie.
std::string program_folder();

}  // namespace atl::workbench
