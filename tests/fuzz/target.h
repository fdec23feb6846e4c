// A fuzz target: a function that is given any bytes and must live through them, with seeds to begin
// from. The same source is a libFuzzer program of its own (preset fuzz) and a test of test_core,
// which replays the seeds and tests/fuzz/corpus/NAME; docs/fuzzing.md.
//
// What must hold of every input is an ATOLL_CHECK: it aborts, which is a finding.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/check.h"

namespace atl::fuzz {

struct Target {
  std::string name;
  void (*run)(ByteView input);
  std::vector<Bytes> (*seeds)();
};

// Every target that is linked in.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}
struct Registration {
  explicit Registration(Target target) { targets().push_back(std::move(target)); }
};

// An input as a stream of choices. Beyond its end everything is zero.
class Choices {
 public:
  explicit Choices(ByteView input) : left_(input) {}

  bool empty() const { return left_.empty(); }
  ByteView rest() const { return left_; }
  ByteView take(size_t count) {
    const auto taken = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  // Little-endian.
  template <typename Word>
  Word word() {
    Word value = 0;
    const auto bytes = take(sizeof(Word));
    for (size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<Word>(std::to_integer<Word>(bytes[i]) << (8 * i));
    return value;
  }
  uint8_t byte() { return word<uint8_t>(); }
  // A number that is small most of the time, and anything now and then.
  uint64_t number() {
    const uint8_t small = byte();
    return small < 0xf0 ? small : word<uint64_t>();
  }
  std::string text(size_t count) { return std::string(as_text(take(count))); }

 private:
  ByteView left_;
};

// One after another. (g++ 12 warns of appending to small vectors of bytes.)
inline Bytes joined(std::initializer_list<ByteView> parts) {
  size_t size = 0;
  for (const auto part : parts) size += part.size();
  Bytes all(size);
  auto place = all.begin();
  for (const auto part : parts) place = std::copy(part.begin(), part.end(), place);
  return all;
}
inline Bytes bytes_of_text(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

}  // namespace atl::fuzz
