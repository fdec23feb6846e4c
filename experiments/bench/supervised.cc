#include "experiments/bench/supervised.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

extern char** environ;

namespace atl::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds(2);

}  // namespace

Supervised::Supervised(std::vector<std::string> command, std::string log_file)
    : command_(std::move(command)), log_file_(std::move(log_file)) {
  ::unlink(log_file_.c_str());
}

Supervised::~Supervised() { kill(); }

Status Supervised::start(const std::string& fault) {
  // Everything that allocates happens before fork().
  std::vector<char*> arguments;
  for (const auto& word : command_) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string setting = "ATOLL_FAULT=" + fault;
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).rfind("ATOLL_FAULT=", 0) != 0) environment.push_back(*entry);
  }
  if (!fault.empty()) environment.push_back(const_cast<char*>(setting.c_str()));
  environment.push_back(nullptr);
  const int log = ::open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return errno_error("cannot write " + log_file_, errno);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execve(arguments[0], arguments.data(), environment.data());
    ::_exit(127);
  }
  const int saved = errno;
  ::close(log);
  if (pid < 0) return errno_error("cannot start " + command_[0], saved);
  pid_ = pid;
  state_ = State::kRunning;
  return {};
}

void Supervised::look(bool block) {
  if (state_ != State::kRunning && state_ != State::kStopped) return;
  int status = 0;
  pid_t got;
  do {
    got = ::waitpid(pid_, &status, WUNTRACED | WCONTINUED | (block ? 0 : WNOHANG));
  } while (got < 0 && errno == EINTR);
  if (got != pid_) return;
  if (WIFSTOPPED(status)) {
    state_ = State::kStopped;
  } else if (WIFCONTINUED(status)) {
    state_ = State::kRunning;
  } else {
    state_ = State::kEnded;
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

bool Supervised::wait_until_stopped(std::chrono::milliseconds limit) {
  for (const auto until = Clock::now() + limit;; std::this_thread::sleep_for(kLook)) {
    look(false);
    if (state_ == State::kStopped) return true;
    if (state_ != State::kRunning || Clock::now() > until) return false;
  }
}

void Supervised::resume() {
  if (running()) ::kill(pid_, SIGCONT);
}

void Supervised::kill() {
  look(false);
  if (state_ != State::kRunning && state_ != State::kStopped) return;
  ::kill(pid_, SIGKILL);
  while (state_ != State::kEnded) look(true);
}

bool Supervised::running() {
  look(false);
  return state_ == State::kRunning || state_ == State::kStopped;
}

int Supervised::wait(std::chrono::milliseconds limit) {
  for (const auto until = Clock::now() + limit; running(); std::this_thread::sleep_for(kLook))
    if (Clock::now() > until) return -1;
  return status_;
}

}  // namespace atl::bench
