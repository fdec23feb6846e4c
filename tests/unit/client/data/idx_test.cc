#include "client/data/idx.h"

#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

Bytes idx(uint32_t magic, std::initializer_list<uint32_t> extents, ByteView values) {
  Bytes file;
  append_word(file, magic);
  for (const uint32_t extent : extents) append_word(file, extent);
  append(file, values);
  return file;
}
Bytes images() { return idx(0x803, {3, 1, 2}, to_bytes({10, 20, 30, 40, 50, 60})); }
Bytes labels() { return idx(0x801, {3}, to_bytes({2, 0, 1})); }

TEST(Idx, ReadsImagesWithTheirLabels) {
  TemporaryFolder folder;
  const auto a = write_file(folder.path() + "/images.gz", gzip(images()));
  const auto b = write_file(folder.path() + "/labels.xz", xz(labels()));
  auto set = read_idx(a, b);
  ASSERT_TRUE(set.ok()) << set.error().message();
  EXPECT_EQ(set->shape, (std::vector<int64_t>{1, 1, 2}));
  EXPECT_EQ(set->labels, (std::vector<uint32_t>{2, 0, 1}));
  EXPECT_EQ(set->bytes, (std::vector<uint8_t>{10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(set->classes, 3U);
  EXPECT_TRUE(set->values.empty());
}

TEST(Idx, ReadsChannels) {
  auto parsed = parse_idx_images(idx(0x804, {1, 3, 1, 2}, Bytes(6)), "f");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->shape, (std::vector<int64_t>{3, 1, 2}));
}

TEST(Idx, EveryTruncationIsFound) {
  const auto whole = images();
  for (size_t size = 0; size < whole.size(); ++size)
    expect_error(parse_idx_images(ByteView(whole).first(size), "cut"), ErrorCode::kData,
                 {"cut", "truncated"});
}

TEST(Idx, TrailingBytesAreFound) {
  auto longer = images();
  longer.push_back(std::byte{0});
  expect_error(parse_idx_images(longer, "long"), ErrorCode::kData,
               {"long", "after its last value"});
}

TEST(Idx, WrongMagicTypeAndDimensionsAreNamed) {
  expect_error(parse_idx_images(as_bytes("PNG picture"), "f"), ErrorCode::kData,
               {"not an IDX file", "0x504e4720"});
  expect_error(parse_idx_images(idx(0xd03, {1, 1, 1}, Bytes(4)), "f"), ErrorCode::kData,
               {"only unsigned bytes"});
  expect_error(parse_idx_images(idx(0x805, {1, 1, 1, 1, 1}, Bytes(1)), "f"), ErrorCode::kData,
               {"not an IDX file"});
  expect_error(parse_idx_images(idx(0x802, {1, 1}, Bytes(1)), "f"), ErrorCode::kData,
               {"2 dimensions"});
  expect_error(parse_idx_images(idx(0x803, {0, 2, 2}, {}), "f"), ErrorCode::kData, {"extent of 0"});
}

TEST(Idx, SwappedFilesAreNamed) {
  expect_error(parse_idx_images(labels(), "f"), ErrorCode::kData, {"holds labels"});
  expect_error(parse_idx_labels(images(), "f"), ErrorCode::kData, {"labels (one) are wanted"});
}

TEST(Idx, HugeClaimsAreRefusedWithoutTheMemory) {
  constexpr uint32_t kMost = 0xffffffff;
  expect_error(parse_idx_images(idx(0x803, {kMost, 1, 1}, Bytes(4)), "f"), ErrorCode::kData,
               {"truncated", "4294967295"});
  // The product of the extents wraps around 64 bits to a small number.
  expect_error(parse_idx_images(idx(0x804, {kMost, kMost, kMost, kMost}, Bytes(4)), "f"),
               ErrorCode::kData, {"more than any file holds"});
  expect_error(parse_idx_images(idx(0x804, {1u << 31, 1u << 31, 4, 1}, {}), "f"), ErrorCode::kData,
               {"more than any file holds"});
}

TEST(Idx, CountsMustAgree) {
  expect_error(make_idx(images(), "i", idx(0x801, {2}, to_bytes({0, 1})), "l"), ErrorCode::kData,
               {"l:", "2 labels", "3 images"});
}

TEST(Idx, LabelsMustBeInRange) {
  expect_error(make_idx(images(), "i", labels(), "l", 2), ErrorCode::kData,
               {"l:", "label 2 of example 0", "not below 2"});
  EXPECT_TRUE(make_idx(images(), "i", labels(), "l", 3).ok());
}

}  // namespace
}  // namespace atl::data
