// Control messages: whatever decodes encodes to bytes that decode to the same, and a glimpse at any
// bytes is harmless.
#include "common/wire/message.h"

#include "common/wire/glimpse.h"
#include "tests/fuzz/golden.h"

namespace atl::fuzz {
namespace {

// An answer quotes what was wrong; it must not grow with the input.
constexpr size_t kLongestText = 8192;

void run(ByteView input) {
  wire::glimpse(input);
  auto message = wire::decode(input);
  if (!message) {
    ATOLL_CHECK(message.error().code() == ErrorCode::kProtocol, "the peer's fault");
    ATOLL_CHECK(message.error().message().size() < kLongestText, "a bounded text");
    return;
  }
  const auto bytes = wire::encode(*message);
  const auto again = wire::decode(bytes);
  ATOLL_CHECK(again.ok(), "what was encoded decodes");
  ATOLL_CHECK(*again == *message, "to the same message");
  ATOLL_CHECK(wire::encode(*again) == bytes, "of the same bytes");
  ATOLL_CHECK(wire::name_of_message(wire::glimpse(bytes).message) == wire::name_of(*message),
              "a glimpse tells the message");
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> all;
  for (const auto& name : golden_messages()) all.push_back(golden(name));
  return all;
}

const Registration registration({"messages", run, seeds});

}  // namespace
}  // namespace atl::fuzz
