// Enrolment tokens: text that parses is put together again the same, and redeeming it against any
// token file fails in words, or works for one key.
//
// Input: one line, the token; then the token file. An absent file stands for one with a good token.
#include "common/net/token.h"

#include "common/core/hash.h"
#include "tests/fuzz/scratch.h"

namespace atl::fuzz {
namespace {

const std::string kSecret(32, 's');
const std::string kFingerprint(64, 'f');
// Of kSecret, as TokenStore keeps it: {SHA-256 of the secret: entry}.
std::string good_store(const char* expires) {
  return "{\"" + hex(sha256(as_bytes(kSecret))) +
         "\": {\"client\": \"a\", \"expires\": " + expires + ", \"used\": false}}";
}

void check_redeeming(const ScratchFolder& folder, const std::string& text, ByteView store_file) {
  const auto path = folder.put("tokens", store_file);
  net::TokenStore store(path);
  const net::WallTime now{std::chrono::seconds(1'000'000)};
  const auto first = store.redeem(text, "one key", now);
  if (!first) {
    const auto code = first.error().code();
    ATOLL_CHECK(code == ErrorCode::kIdentity || code == ErrorCode::kIo, "said in words");
    return;
  }
  const auto again = store.redeem(text, "one key", now);
  ATOLL_CHECK(again && again->again && again->client == first->client, "an answer may be lost");
  ATOLL_CHECK(!store.redeem(text, "another key", now), "a token is good for one key");
}

void run(ByteView input) {
  static const ScratchFolder folder;
  const auto all = as_text(input);
  const auto end = all.find('\n');
  const std::string text(all.substr(0, end));
  const auto token = net::parse_token(text);
  if (!token) {
    ATOLL_CHECK(token.error().code() == ErrorCode::kIdentity, "not a token");
  } else {
    ATOLL_CHECK("atoll1." + token->secret + "." + token->fingerprint + "." + token->client == text,
                "put together again");
  }
  const std::string file =
      end == std::string_view::npos ? good_store("2000000") : std::string(all.substr(end + 1));
  check_redeeming(folder, text, as_bytes(file));
}

std::vector<Bytes> seeds() {
  const std::string token = "atoll1." + kSecret + "." + kFingerprint + ".a";
  return {bytes_of_text(token),
          bytes_of_text(token + ".b"),
          bytes_of_text(token + "\n" + good_store("99999999999999999999")),
          bytes_of_text(token + "\n" + good_store("-1")),
          bytes_of_text(token + "\n" + good_store("{}")),
          bytes_of_text("atoll1...\n[]")};
}

const Registration registration({"tokens", run, seeds});

}  // namespace
}  // namespace atl::fuzz
