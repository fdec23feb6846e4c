#include "experiments/bench/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace atl::bench {
namespace {

constexpr size_t kTail = 4096;

// Starts the program with these as its standard output and error; -1: this program's own.
Result<pid_t> spawn(const std::vector<std::string>& command, int output, int errors) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (output >= 0) ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (errors >= 0) ::posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  pid_t pid = 0;
  const int failed =
      ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return errno_error("cannot run " + command[0], failed);
  return pid;
}

struct Pipe {
  int read = -1, write = -1;
};
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot make a pipe", errno);
  return Pipe{ends[0], ends[1]};
}

Status status_of(const std::string& name, pid_t pid, const std::string& said) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = WIFEXITED(status)
                              ? "ended with status " + std::to_string(WEXITSTATUS(status))
                              : "was killed by signal " + std::to_string(WTERMSIG(status));
  return Error(ErrorCode::kIo, name + " " + how + (said.empty() ? "" : "; it said: " + said));
}

}  // namespace

Result<std::string> find_program(const std::string& asked, const std::string& name) {
  std::error_code error;
  const std::string path =
      !asked.empty()
          ? asked
          : (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / name).string();
  if (::access(path.c_str(), X_OK) != 0) {
    return Error(ErrorCode::kUsage, "there is no program at " + path)
        .hint("build it, or say where it is");
  }
  return path;
}

Result<std::string> output_of(const std::vector<std::string>& command) {
  // Advice for people, on standard error, is of no use here; it is shown when the program fails.
  std::FILE* advice = std::tmpfile();
  if (advice == nullptr) return errno_error("cannot make a temporary file", errno);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer(advice, std::fclose);
  ATOLL_ASSIGN(const auto pipe, make_pipe());
  auto pid = spawn(command, pipe.write, ::fileno(advice));
  ::close(pipe.write);
  std::string text;
  char piece[4096];
  for (ssize_t got; pid && (got = ::read(pipe.read, piece, sizeof(piece))) > 0;)
    text.append(piece, static_cast<size_t>(got));
  ::close(pipe.read);
  if (!pid) return std::move(pid).error();
  const ssize_t said = ::pread(::fileno(advice), piece, sizeof(piece), 0);
  ATOLL_TRY(status_of(command[0], *pid, {piece, static_cast<size_t>(std::max<ssize_t>(0, said))}));
  return text;
}

Result<std::unique_ptr<Process>> Process::start(const std::vector<std::string>& command) {
  ATOLL_ASSIGN(const auto pipe, make_pipe());
  const auto begun = std::chrono::steady_clock::now();
  auto pid = spawn(command, -1, pipe.write);
  ::close(pipe.write);
  if (!pid) {
    ::close(pipe.read);
    return std::move(pid).error();
  }
  return std::unique_ptr<Process>(new Process(*pid, pipe.read, begun));
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (drainer_.joinable()) drainer_.join();
  ::close(errors_);
}

Result<std::string> Process::wait_for(const std::string& text) {
  char piece[1024];
  for (ssize_t got; (got = ::read(errors_, piece, sizeof(piece))) > 0;) {
    tail_.append(piece, static_cast<size_t>(got));
    const auto place = tail_.find(text);
    const auto end = place == std::string::npos ? place : tail_.find('\n', place);
    if (end == std::string::npos) continue;
    const std::chrono::duration<double, std::milli> passed =
        std::chrono::steady_clock::now() - begun_;
    to_line_ = passed.count();
    auto rest = tail_.substr(place + text.size(), end - place - text.size());
    drainer_ = std::thread([this] { drain(); });
    return rest;
  }
  return Error(ErrorCode::kDeadline,
               "the program ended before it said \"" + text + "\"; it said: " + tail_);
}

void Process::drain() {
  char piece[4096];
  for (ssize_t got; (got = ::read(errors_, piece, sizeof(piece))) > 0;) {
    tail_.append(piece, static_cast<size_t>(got));
    if (tail_.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
  }
}

bool Process::usage(Usage& out) const {
  const std::string folder = "/proc/" + std::to_string(pid_);
  std::ifstream status(folder + "/status");
  bool found = false;
  for (std::string line; std::getline(status, line);) {
    unsigned long long kilobytes = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %llu kB", &kilobytes) == 1)
      out.peak_rss = kilobytes << 10, found = true;
    if (std::sscanf(line.c_str(), "VmRSS: %llu kB", &kilobytes) == 1) out.rss = kilobytes << 10;
  }
  std::ifstream stat(folder + "/stat");
  std::string text;
  std::getline(stat, text);
  const auto end = text.rfind(')');  // the name before it may hold anything
  if (!found || end == std::string::npos) return false;
  std::istringstream fields(text.substr(end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state ... cmajflt
  double user = 0, system = 0;
  fields >> user >> system;
  out.cpu = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return true;
}

double Process::first_thread_cpu() const {
  const auto pid = std::to_string(pid_);
  std::ifstream schedule("/proc/" + pid + "/task/" + pid + "/schedstat");
  double nanoseconds = 0;
  schedule >> nanoseconds;
  return nanoseconds / 1e9;
}

size_t Process::descriptors() const {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid_) + "/fd", error);
  size_t count = 0;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error))
    ++count;
  return count;
}

Status Process::wait() {
  if (drainer_.joinable()) drainer_.join();
  const pid_t pid = pid_;
  pid_ = 0;
  return status_of("the server", pid, tail_);
}

}  // namespace atl::bench
