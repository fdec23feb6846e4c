#include "experiments/demo/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <utility>

namespace atl::workbench {

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& argv,
                                         const std::string& log_file) {
  if (!std::filesystem::exists(argv[0])) {
    return Error(ErrorCode::kIo, argv[0] + " is not there").hint("./atoll build");
  }
  // Everything that allocates happens before fork().
  std::vector<char*> arguments;
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log < 0) return errno_error("cannot write " + log_file, errno);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int saved = errno;
    ::close(log);
    return errno_error("cannot start " + argv[0], saved);
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(log);
  return ChildProcess(pid, log_file);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      over_(other.over_),
      status_(other.status_),
      log_file_(std::move(other.log_file_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(over_, other.over_);
  std::swap(status_, other.status_);
  std::swap(log_file_, other.log_file_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || over_) return;
  signal(SIGTERM);
  wait();
}

void ChildProcess::reap(bool block) {
  if (over_ || pid_ < 0) return;
  int status = 0;
  pid_t got;
  do {
    got = ::waitpid(pid_, &status, block ? 0 : WNOHANG);
  } while (got < 0 && errno == EINTR);
  if (got != pid_) return;
  over_ = true;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool ChildProcess::running() {
  reap(false);
  return pid_ >= 0 && !over_;
}

int ChildProcess::wait() {
  reap(true);
  return status_;
}

void ChildProcess::signal(int number) {
  if (running()) ::kill(pid_, number);
}

std::string program_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
}

}  // namespace atl::workbench
