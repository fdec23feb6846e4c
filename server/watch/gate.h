// Gate: which requests to the status page are answered.
#pragma once

#include <optional>
#include <string>

#include "common/core/result.h"

namespace atl::server {

// The headers that decide; empty: not sent.
struct WatchRequest {
  std::string host, origin, fetch_site, fetch_mode, authorization, cookie;
  std::string token;  // of the query
};

// Immutable; any thread.
class Gate {
 public:
  Gate() = default;  // asks for no token: for loopback
  explicit Gate(std::string token) : token_(std::move(token)) {}
  // Reads the token's file; makes one, readable by its owner only, where there is none. kIo.
  static Result<Gate> open(const std::string& token_file);

  struct Refusal {
    int status = 403;
    std::string text;
    bool bad_token = false;  // one was shown, and it is not the right one
  };
  std::optional<Refusal> examine(const WatchRequest& request) const;
  bool needs_token() const { return !token_.empty(); }
  // What a browser keeps once it has shown the token: "atoll_watch=...".
  std::string cookie() const { return std::string(kCookie) + "=" + token_; }

 private:
  static constexpr const char* kCookie = "atoll_watch";
  bool is_token(const std::string& shown) const;
  std::string token_;
};

}  // namespace atl::server
