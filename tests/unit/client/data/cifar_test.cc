#include "client/data/cifar.h"

#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

// Records whose pixels count up from the label.
Bytes records(std::initializer_list<int> labels) {
  Bytes file;
  for (const int label : labels) {
    file.push_back(static_cast<std::byte>(label));
    for (size_t i = 0; i < kCifarPixels; ++i) file.push_back(static_cast<std::byte>(label + i));
  }
  return file;
}

TEST(Cifar, ReadsFilesOneAfterAnother) {
  TemporaryFolder folder;
  const auto a = write_file(folder.path() + "/a.bin", records({3, 9}));
  const auto b = write_file(folder.path() + "/b.bin.xz", xz(records({0})));
  auto set = read_cifar({a, b});
  ASSERT_TRUE(set.ok()) << set.error().message();
  EXPECT_EQ(set->labels, (std::vector<uint32_t>{3, 9, 0}));
  EXPECT_EQ(set->shape, (std::vector<int64_t>{3, 32, 32}));
  ASSERT_EQ(set->bytes.size(), 3 * kCifarPixels);
  EXPECT_EQ(set->bytes[0], 3);
  EXPECT_EQ(set->bytes[kCifarPixels + 1], 10);
  EXPECT_EQ(set->bytes[3 * kCifarPixels - 1], static_cast<uint8_t>(kCifarPixels - 1));
}

TEST(Cifar, PartsOfRecordsAreRefused) {
  const auto whole = records({1, 2});
  for (const size_t size : {size_t{1}, kCifarRecord - 1, kCifarRecord + 1, 2 * kCifarRecord - 1}) {
    Dataset set = empty_cifar("");
    expect_error(append_cifar(set, ByteView(whole).first(size), "cut"), ErrorCode::kData,
                 {"cut", "truncated"});
    EXPECT_EQ(set.size(), 0U);
    EXPECT_TRUE(set.bytes.empty());
  }
  Dataset set = empty_cifar("");
  expect_error(append_cifar(set, {}, "none"), ErrorCode::kData, {"none", "empty"});
}

TEST(Cifar, LabelsMustBeBelowTen) {
  Dataset set = empty_cifar("");
  expect_error(append_cifar(set, records({9, 10}), "f"), ErrorCode::kData,
               {"label 10 of record 1", "not below 10"});
  EXPECT_EQ(set.size(), 0U);
}

}  // namespace
}  // namespace atl::data
