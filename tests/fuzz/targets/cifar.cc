// CIFAR-10 files, plain or packed: all of a file is taken, or nothing.
//
// Input: one byte, how often the file is appended; then the file.
#include "client/data/cifar.h"

#include "client/data/compressed.h"
#include "client/data/moments.h"
#include "tests/fuzz/target.h"
#include "tests/support/packed.h"

namespace atl::fuzz {
namespace {

void run(ByteView input) {
  Choices choices(input);
  const size_t times = 1 + choices.byte() % 3;
  const auto file = choices.rest();
  const auto content = data::unpack({file.begin(), file.end()}, "batch", 1 << 20);
  if (!content) return;
  auto set = data::empty_cifar("set");
  const size_t records = content->size() / data::kCifarRecord;
  for (size_t i = 0; i < times; ++i) {
    const auto appended = data::append_cifar(set, *content, "batch");
    const size_t expected = appended ? (i + 1) * records : 0;
    ATOLL_CHECK(set.size() == expected, "all or nothing");
    ATOLL_CHECK(set.bytes.size() == set.size() * data::kCifarPixels, "whole images");
  }
  for (const uint32_t label : set.labels) ATOLL_CHECK(label < data::kCifarClasses, "a known class");
  if (set.size() > 0) data::set_moments(set);
}

Bytes seed(const Bytes& file) { return joined({Bytes(1, std::byte{1}), file}); }

std::vector<Bytes> seeds() {
  Bytes two(2 * data::kCifarRecord);
  for (size_t i = 0; i < two.size(); ++i) two[i] = static_cast<std::byte>(i * 31);
  two[0] = std::byte{9};
  two[data::kCifarRecord] = std::byte{0};
  Bytes bad = two;
  bad[data::kCifarRecord] = std::byte{10};
  const Bytes part(two.begin(), two.begin() + 100), blank(data::kCifarRecord);
  return {seed(two),
          seed(bad),
          seed(part),
          seed({}),
          seed(testing::gzip(blank)),
          seed(testing::xz(blank))};
}

const Registration registration({"cifar", run, seeds});

}  // namespace
}  // namespace atl::fuzz
