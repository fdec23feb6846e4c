// Result<T>: the value of an operation that can fail, or an Error that says why.
//
// Every function that touches the outside world (files, sockets, configuration, bytes from a peer)
// returns a Result. Exceptions never cross a thread or the root of a coroutine. An Error is a stack
// of reasons, outermost first; each layer adds what it was trying to do:
//
//   Result<Model> load(path) {
//     auto bytes = read_file(path);
//     if (!bytes) return std::move(bytes).error().wrap("cannot load the model " + path);
//     ...
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/check.h"

namespace atl {

// What kind of failure it is. The number is the exit status of a command that ends with this error;
// the page docs/exit-codes.md lists them. Numbers are stable: never reuse one.
enum class ErrorCode : int {
  kMissed = 1,        // a benchmark ran, and one of its bars does not hold
  kUsage = 2,         // a command line that cannot be understood
  kConfig = 3,        // a configuration that is wrong: unknown key, wrong type, value out of range
  kData = 4,          // a data set that is missing, truncated, mislabelled or has the wrong hash
  kIo = 5,            // a file or folder that cannot be read or written
  kDiskFull = 6,      // no space left on the device
  kNetwork = 7,       // an address that cannot be reached, a connection that broke
  kAddressInUse = 8,  // the port is taken
  kIdentity = 9,      // a certificate, token or authority that does not match
  kProtocol = 10,     // bytes from a peer that break the protocol
  kModel = 11,     // models that differ between server and client, or a model file that is damaged
  kRefused = 12,   // the peer refused, and said why
  kDeadline = 13,  // no progress before the deadline
  kInterrupted = 14,  // stopped on request
  kUnsupported = 15,  // asked for something that this build or machine lacks
  kTrainer = 16,      // local training failed (out of memory, not finite, ...)
  kInternal = 70,     // a bug in Atoll
};

std::string_view to_string(ErrorCode code);

// A chain of reasons. Move-only values are cheap; copying copies the strings.
class Error {
 public:
  Error(ErrorCode code, std::string what) : code_(code) { chain_.push_back(std::move(what)); }

  // Adds the outer reason: what the caller was trying to do. Keeps the code.
  [[nodiscard]] Error wrap(std::string what) && {
    chain_.insert(chain_.begin(), std::move(what));
    return std::move(*this);
  }
  // The command to type next, shown on a line of its own. The innermost hint wins.
  [[nodiscard]] Error hint(std::string next) && {
    if (hint_.empty()) hint_ = std::move(next);
    return std::move(*this);
  }

  ErrorCode code() const { return code_; }
  int exit_status() const { return static_cast<int>(code_); }
  const std::vector<std::string>& chain() const { return chain_; }
  const std::string& hint() const { return hint_; }

  // "cannot start the server: address 127.0.0.1:7070 is in use"
  std::string message() const;
  // Several lines for a person: what, why (indented), next.
  std::string explain() const;

 private:
  ErrorCode code_;
  std::vector<std::string> chain_;  // outermost first, never empty
  std::string hint_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return check_ok(), std::get<0>(state_); }
  const T& value() const& { return check_ok(), std::get<0>(state_); }
  T&& value() && { return check_ok(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    return ATOLL_CHECK(!ok(), "error() of a success"), std::get<1>(state_);
  }
  Error&& error() && {
    return ATOLL_CHECK(!ok(), "error() of a success"), std::get<1>(std::move(state_));
  }

 private:
  void check_ok() const { ATOLL_CHECK(ok(), std::get<1>(state_).message()); }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return ATOLL_CHECK(!ok(), "error() of a success"), *error_; }
  Error&& error() && { return ATOLL_CHECK(!ok(), "error() of a success"), *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

// The error of the last failed system call, with a code that fits it (a full disk is kDiskFull).
Error errno_error(std::string what, int saved_errno);

}  // namespace atl

// Leaves the enclosing function with the error of EXPR, if it has one.
#define ATOLL_TRY(expr)                                                                       \
  do {                                                                                        \
    if (auto atoll_status_ = (expr); !atoll_status_) return std::move(atoll_status_).error(); \
  } while (false)
// ATOLL_ASSIGN(auto x, f()): x = value of f(), or leave with its error. ATOLL_CO_*: the same inside
// a coroutine.
#define ATOLL_CONCAT_(a, b) a##b
#define ATOLL_CONCAT(a, b) ATOLL_CONCAT_(a, b)
#define ATOLL_ASSIGN_(tmp, lhs, expr, ret) \
  auto tmp = (expr);                       \
  if (!tmp) ret std::move(tmp).error();    \
  lhs = std::move(tmp).value()
#define ATOLL_ASSIGN(lhs, expr) \
  ATOLL_ASSIGN_(ATOLL_CONCAT(atoll_result_, __COUNTER__), lhs, expr, return )
#define ATOLL_CO_ASSIGN(lhs, expr) \
  ATOLL_ASSIGN_(ATOLL_CONCAT(atoll_result_, __COUNTER__), lhs, expr, co_return )
#define ATOLL_CO_TRY(expr)                                                                       \
  do {                                                                                           \
    if (auto atoll_status_ = (expr); !atoll_status_) co_return std::move(atoll_status_).error(); \
  } while (false)
