// IDX files, plain or packed: images and labels that are taken fit each other and their bounds.
//
// Input: one byte, how many classes are known (0: none); two bytes, the length of the images' file;
// that file; then the labels' file.
#include "client/data/idx.h"

#include "client/data/compressed.h"
#include "client/data/moments.h"
#include "tests/fuzz/target.h"
#include "tests/support/packed.h"

namespace atl::fuzz {
namespace {

constexpr uint64_t kMost = 1 << 20;

void run(ByteView input) {
  Choices choices(input);
  const uint32_t classes = choices.byte() % 16;
  const size_t length = choices.word<uint16_t>();
  const auto first = choices.take(length), second = choices.rest();
  const auto images = data::unpack({first.begin(), first.end()}, "images", kMost);
  const auto labels = data::unpack({second.begin(), second.end()}, "labels", kMost);
  if (!images || !labels) return;
  auto set = data::make_idx(*images, "images", *labels, "labels", classes);
  if (!set) {
    ATOLL_CHECK(set.error().code() == ErrorCode::kData, "the file's fault");
    return;
  }
  ATOLL_CHECK(set->shape.size() == 3 && set->size() > 0, "images");
  ATOLL_CHECK(set->bytes.size() == set->size() * set->example_elements(), "whole images");
  ATOLL_CHECK(set->bytes.size() < images->size(), "no more than the file has");
  for (const uint32_t label : set->labels) ATOLL_CHECK(label < set->classes, "a known class");
  data::set_moments(*set);
  ATOLL_CHECK(set->mean.size() == static_cast<size_t>(set->shape[0]), "a mean per channel");
}

Bytes file_of(std::initializer_list<uint32_t> extents, size_t values) {
  Bytes file = testing::to_bytes({0, 0, 8, static_cast<int>(extents.size())});
  for (const uint32_t extent : extents) testing::append_word(file, extent);
  for (size_t i = 0; i < values; ++i) file.push_back(static_cast<std::byte>(i % 10));
  return file;
}
Bytes seed(int classes, const Bytes& images, const Bytes& labels) {
  const auto size = static_cast<int>(images.size());
  return joined({testing::to_bytes({classes, size & 0xff, size >> 8}), images, labels});
}

std::vector<Bytes> seeds() {
  return {seed(0, file_of({2, 3, 4}, 24), file_of({2}, 2)),
          seed(10, file_of({1, 3, 2, 2}, 12), file_of({1}, 1)),
          seed(1, file_of({2, 1, 1}, 2), file_of({2}, 2)),
          seed(10, testing::gzip(file_of({2, 2, 2}, 8)), testing::xz(file_of({2}, 2))),
          seed(0, file_of({0x10000, 0x10000, 0x10000, 0x10001}, 3), file_of({3}, 3)),
          seed(0, file_of({3, 5}, 15), file_of({3, 1}, 3))};
}

const Registration registration({"idx", run, seeds});

}  // namespace
}  // namespace atl::fuzz
