// One-time enrolment tokens: "atoll1.<secret>.<fingerprint of the authority>.<client's name>". The
// server keeps the hash of the secret only. The fingerprint lets a client that has no certificate
// yet know the right server.
#pragma once

#include <string>

#include "common/net/identity.h"

namespace atl::net {

struct Token {
  std::string secret;       // 24 random bytes as base64url
  std::string fingerprint;  // of the authority's certificate, hex
  std::string client;
};
// kIdentity when the text is not a token.
Result<Token> parse_token(const std::string& text);

// The tokens of one server, in one file (owner-only). One process at a time redeems; issuing from
// another process beside it is safe, because every call reads the file anew under a lock.
class TokenStore {
 public:
  explicit TokenStore(std::string path) : path_(std::move(path)) {}

  Result<std::string> issue(const std::string& client, const std::string& fingerprint, WallTime now,
                            std::chrono::seconds lifetime);
  struct Redeemed {
    std::string client;
    bool again = false;  // with the same key as before
  };
  // Uses the token up, for one public key (`key` names it; any text): until the token expires it is
  // good for the same key again, since an answer may have been lost. kIdentity, with a different
  // text each, for a token that is unknown, used, withdrawn, expired, or for another client; kIo
  // when the file is damaged.
  Result<Redeemed> redeem(const std::string& text, const std::string& key, WallTime now);
  // No token that the client was given so far is good any more, not even again for the key that
  // used it. How many that were: those that are neither expired nor withdrawn before.
  Result<size_t> withdraw(const std::string& client, WallTime now);

 private:
  std::string path_;
};

}  // namespace atl::net
