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
  if (!hint_.empty()) text += "  next: " + hint_ + "\n";
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
