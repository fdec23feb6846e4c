#include "common/net/token.h"

#include <openssl/rand.h>

#include <nlohmann/json.hpp>

#include "common/core/file.h"
#include "common/core/hash.h"

namespace atl::net {
namespace {

using Json = nlohmann::json;

std::string base64url(const unsigned char* data, size_t size) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (size_t i = 0; i + 3 <= size; i += 3) {
    const unsigned word = static_cast<unsigned>(data[i]) << 16 |
                          static_cast<unsigned>(data[i + 1]) << 8 | data[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[(word >> shift) & 63];
  }
  return text;
}

Result<Json> load(const std::string& path) {
  if (!exists(path)) return Json(Json::object());
  ATOLL_ASSIGN(auto text, read_text(path));
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Error(ErrorCode::kIo, path + " is damaged: not a JSON object");
  return json;
}

bool is_entry(const Json& entry) {
  return entry.is_object() && entry.contains("used") && entry["used"].is_boolean() &&
         entry.contains("expires") && entry["expires"].is_number_integer() &&
         entry.contains("client") && entry["client"].is_string();
}

bool is_withdrawn(const Json& entry) {
  return entry.contains("withdrawn") && entry["withdrawn"] == true;
}

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

Result<Token> parse_token(const std::string& text) {
  const auto a = text.find('.');
  const auto b = a == std::string::npos ? a : text.find('.', a + 1);
  const auto c = b == std::string::npos ? b : text.find('.', b + 1);
  if (c == std::string::npos || text.substr(0, a) != "atoll1" || b - a != 33 || c - b != 65 ||
      c + 1 == text.size()) {
    return Error(ErrorCode::kIdentity,
                 "this is not an enrolment token (they begin with \"atoll1.\")")
        .hint("ask the server's operator for one: atoll-server token FOLDER NAME");
  }
  return Token{text.substr(a + 1, 32), text.substr(b + 1, 64), text.substr(c + 1)};
}

Result<std::string> TokenStore::issue(const std::string& client, const std::string& fingerprint,
                                      WallTime now, std::chrono::seconds lifetime) {
  unsigned char random[24];
  if (RAND_bytes(random, sizeof(random)) != 1)
    return Error(ErrorCode::kIdentity, "no random numbers to be had");
  const std::string secret = base64url(random, sizeof(random));
  const FileLock lock(path_);
  ATOLL_ASSIGN(auto tokens, load(path_));
  tokens[hex(sha256(as_bytes(secret)))] = {
      {"client", client}, {"expires", seconds_of(now + lifetime)}, {"used", false}};
  ATOLL_TRY(write_secret(path_, tokens.dump(2)));
  return "atoll1." + secret + "." + fingerprint + "." + client;
}

Result<TokenStore::Redeemed> TokenStore::redeem(const std::string& text, const std::string& key,
                                                WallTime now) {
  ATOLL_ASSIGN(const auto token, parse_token(text));
  const FileLock lock(path_);
  ATOLL_ASSIGN(auto tokens, load(path_));
  auto found = tokens.find(hex(sha256(as_bytes(token.secret))));
  if (found == tokens.end()) return Error(ErrorCode::kIdentity, "the enrolment token is unknown");
  auto& entry = *found;
  if (!is_entry(entry)) return Error(ErrorCode::kIo, path_ + " is damaged: a token lacks a field");
  if (is_withdrawn(entry))
    return Error(ErrorCode::kIdentity, "the enrolment token was withdrawn")
        .hint("ask the server's operator for a new one: atoll-server token FOLDER " + token.client);
  const bool used = entry["used"].get<bool>();
  const bool again = used && entry.contains("key") && entry["key"] == key;
  if (used && !again) return Error(ErrorCode::kIdentity, "the enrolment token was used before");
  if (seconds_of(now) >= entry["expires"].get<int64_t>())
    return Error(ErrorCode::kIdentity, "the enrolment token has expired");
  if (entry["client"].get<std::string>() != token.client)
    return Error(ErrorCode::kIdentity, "the enrolment token is for another client");
  if (again) return Redeemed{token.client, true};
  entry["used"] = true;
  entry["key"] = key;
  ATOLL_TRY(write_secret(path_, tokens.dump(2)));
  return Redeemed{token.client, false};
}

Result<size_t> TokenStore::withdraw(const std::string& client, WallTime now) {
  const FileLock lock(path_);
  ATOLL_ASSIGN(auto tokens, load(path_));
  size_t count = 0;
  for (auto& entry : tokens) {
    if (!is_entry(entry))
      return Error(ErrorCode::kIo, path_ + " is damaged: a token lacks a field");
    const bool good = !is_withdrawn(entry) && seconds_of(now) < entry["expires"].get<int64_t>();
    if (!good || entry["client"] != client) continue;
    entry["withdrawn"] = true;
    ++count;
  }
  if (count > 0) ATOLL_TRY(write_secret(path_, tokens.dump(2)));
  return count;
}

}  // namespace atl::net
