#include "common/core/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace atl {

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  std::fprintf(stderr, "atoll: bug: %s:%d: %s does not hold: %.*s\n", file, line, condition,
               static_cast<int>(message.size()), message.data());
  std::abort();
}

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMissed:
      return "missed";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kConfig:
      return "config";
    case ErrorCode::kData:
      return "data";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kDiskFull:
      return "disk-full";
    case ErrorCode::kNetwork:
      return "network";
    case ErrorCode::kAddressInUse:
      return "address-in-use";
    case ErrorCode::kIdentity:
      return "identity";
    case ErrorCode::kProtocol:
      return "protocol";
    case ErrorCode::kModel:
      return "model";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kDeadline:
      return "deadline";
    case ErrorCode::kInterrupted:
      return "interrupted";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kTrainer:
      return "trainer";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

namespace {

// What helps with an error whose place has no better word (docs/exit-codes.md).
std::string_view next_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return "the same command with --help";
    case ErrorCode::kConfig:
      return "docs/config.md lists the keys and their values";
    case ErrorCode::kData:
      return "atoll data list";
    case ErrorCode::kIo:
      return "ls -ld on that path: who may read and write there";
    case ErrorCode::kDiskFull:
      return "df -h";
    case ErrorCode::kNetwork:
      return "atoll doctor FOLDER tries the way to the server";
    case ErrorCode::kAddressInUse:
      return "ss -ltnp";
    case ErrorCode::kIdentity:
      return "atoll doctor FOLDER looks at keys and certificates";
    case ErrorCode::kProtocol:
      return "atoll-client --version and atoll-server --version: both ends must be the same";
    case ErrorCode::kModel:
      return "atoll inspect FILE.safetensors";
    case ErrorCode::kRefused:
      return "atoll-server audit FOLDER, at the server, tells it too";
    case ErrorCode::kDeadline:
      return "docs/timeouts.md lists the deadlines; atoll doctor FOLDER tries the way to the "
             "server";
    case ErrorCode::kUnsupported:
      return "atoll doctor says what this build and this machine have";
    case ErrorCode::kTrainer:
      return "a smaller [train] learning_rate or batch_size";
    case ErrorCode::kInternal:
      return "report it with this message";
    case ErrorCode::kMissed:
    case ErrorCode::kInterrupted:
      return "";
  }
  return "";
}

}  // namespace

std::string Error::message() const {
  std::string text;
  for (const auto& reason : chain_) {
    if (!text.empty()) text += ": ";
    text += reason;
  }
  return text;
}

std::string Error::explain() const {
  std::string text = "error: " + chain_.front() + "\n";
  for (size_t i = 1; i < chain_.size(); ++i) text += "  because " + chain_[i] + "\n";
  const std::string next = hint_.empty() ? std::string(next_for(code_)) : hint_;
  if (!next.empty()) text += "  next: " + next + "\n";
  return text;
}

Error errno_error(std::string what, int saved_errno) {
  auto code =
      saved_errno == ENOSPC || saved_errno == EDQUOT ? ErrorCode::kDiskFull : ErrorCode::kIo;
  Error error(code, std::move(what) + ": " + std::strerror(saved_errno));
  if (code == ErrorCode::kDiskFull) return std::move(error).hint("df -h");
  return error;
}

}  // namespace atl
