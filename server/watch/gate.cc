#include "server/watch/gate.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <asio/ip/address_v4.hpp>
#include <cctype>

#include "common/core/bytes.h"
#include "common/core/file.h"

namespace atl::server {
namespace {

// "localhost:7071", "127.0.0.1:7071", "[::1]:7071": the host alone.
std::string host_of(const std::string& host) {
  if (!host.empty() && host.front() == '[') return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}
bool is_own_name(const std::string& host) {
  asio::error_code error;
  const auto address = asio::ip::make_address_v4(host, error);
  return host == "localhost" || host == "[::1]" || (!error && address.is_loopback());
}

// "a=1; b=2": the value of one.
std::string cookie_of(const std::string& header, const std::string& name) {
  for (size_t at = 0; at < header.size();) {
    const size_t end = std::min(header.find(';', at), header.size());
    const auto one = header.substr(at, end - at);
    if (one.rfind(name + "=", 0) == 0) return one.substr(name.size() + 1);
    at = header.find_first_not_of(' ', end + 1);
  }
  return "";
}

}  // namespace

Result<Gate> Gate::open(const std::string& token_file) {
  if (!exists(token_file)) {
    std::array<std::byte, 24> random;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), random.size()) != 1)
      return Error(ErrorCode::kInternal, "no random numbers are to be had");
    ATOLL_TRY(write_secret(token_file, to_hex(random) + "\n"));
  }
  ATOLL_ASSIGN(auto token, read_text(token_file));
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back()))) token.pop_back();
  if (token.size() < 16) {
    return Error(ErrorCode::kIo, token_file + " holds no token of at least 16 characters")
        .hint("remove it, and the next start makes a new one");
  }
  return Gate(std::move(token));
}

bool Gate::is_token(const std::string& shown) const {
  return shown.size() == token_.size() &&
         CRYPTO_memcmp(shown.data(), token_.data(), token_.size()) == 0;
}

std::optional<Gate::Refusal> Gate::examine(const WatchRequest& request) const {
  const bool elsewhere = request.fetch_site == "cross-site" || request.fetch_site == "same-site";
  if (elsewhere && request.fetch_mode != "navigate")
    return Refusal{403, "a page of another site may not read this"};
  if (!request.origin.empty() && request.origin != "http://" + request.host &&
      request.origin != "https://" + request.host)
    return Refusal{403, "a page of another origin may not read this"};
  if (!needs_token()) {
    if (is_own_name(host_of(request.host))) return std::nullopt;
    return Refusal{403, "this answers to localhost only"};
  }
  constexpr const char* kBearer = "Bearer ";
  std::string shown = request.token;
  if (shown.empty() && request.authorization.rfind(kBearer, 0) == 0)
    shown = request.authorization.substr(std::string_view(kBearer).size());
  if (shown.empty()) shown = cookie_of(request.cookie, kCookie);
  if (!shown.empty() && is_token(shown)) return std::nullopt;
  return Refusal{401, "show the token of the server's folder (identity/watch.token)",
                 !shown.empty()};
}

}  // namespace atl::server
