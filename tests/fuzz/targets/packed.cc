// Packed files: gzip and xz streams unpack to at most the limit, and to the same bytes whatever the
// limit is.
//
// Input: one byte of name and limit, then the file.
#include "tests/support/packed.h"
#include "client/data/compressed.h"
#include "tests/fuzz/target.h"

namespace atl::fuzz {
namespace {

void run(ByteView input) {
  Choices choices(input);
  const uint8_t how = choices.byte();
  const char* names[] = {"a", "a.gz", "a.xz", "b.csv"};
  const std::string name = names[how & 3];
  const uint64_t limit = uint64_t{1} << (4 + (how >> 2) % 17);  // 16 bytes to 1 MiB
  const auto packed = choices.rest();
  const auto plain = data::unpack({packed.begin(), packed.end()}, name, limit);
  if (!plain) {
    ATOLL_CHECK(plain.error().code() == ErrorCode::kData, "the file's fault");
    return;
  }
  ATOLL_CHECK(plain->size() <= limit, "within the limit");
  const auto again = data::unpack({packed.begin(), packed.end()}, name, 2 * limit);
  ATOLL_CHECK(again.ok() && *again == *plain, "the limit is no part of the content");
}

Bytes with_name(int how, const Bytes& file) {
  return joined({Bytes(1, static_cast<std::byte>(how)), file});
}

std::vector<Bytes> seeds() {
  Bytes text = bytes_of_text("some text, some text, and some more");
  const Bytes zeros(100'000);
  const auto twice = joined({testing::gzip(text), testing::gzip(text)});
  const auto padded = joined({testing::xz(text), Bytes(4), testing::xz(text)});
  constexpr int kLarge = 16 << 2;  // a limit of 1 MiB
  return {with_name(kLarge, text),
          with_name(kLarge | 1, testing::gzip(text)),
          with_name(kLarge | 2, testing::xz(text)),
          with_name(kLarge, twice),
          with_name(kLarge, padded),
          with_name(kLarge | 1, testing::gzip(zeros)),
          with_name(kLarge | 2, testing::xz(zeros)),
          with_name(1, testing::gzip(zeros)),
          with_name(2, testing::xz(zeros))};
}

const Registration registration({"packed", run, seeds});

}  // namespace
}  // namespace atl::fuzz
