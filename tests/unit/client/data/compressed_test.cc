// Whole-file reads: every packing gives the same bytes; every kind of damage is found and named.
#include "client/data/compressed.h"

#include "common/core/rng.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

// Text that packs somewhat, so that damage lands in every part of the streams.
Bytes sample(size_t size, uint64_t seed = 1) {
  Rng rng(seed, "sample");
  Bytes bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(rng.below(7)));
  return bytes;
}

class Packing : public ::testing::TestWithParam<const char*> {
 protected:
  std::string ending() const { return GetParam(); }
  Bytes pack(ByteView plain) const {
    return ending() == ".gz"   ? gzip(plain)
           : ending() == ".xz" ? xz(plain)
                               : Bytes(plain.begin(), plain.end());
  }
  std::string file(ByteView bytes) { return write_file(folder_.path() + "/a" + ending(), bytes); }
  TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(All, Packing, ::testing::Values("", ".gz", ".xz"));

TEST_P(Packing, GivesTheSameBytesAtEverySize) {
  for (const size_t size : {0, 1, 65535, 65536, 65537, 1'000'000}) {
    const auto plain = sample(size);
    auto read = read_content(file(pack(plain)));
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(*read, plain) << size;
  }
}

TEST_P(Packing, IsKnownByItsFirstBytesWhateverTheName) {
  const auto plain = sample(1000);
  auto read = unpack(pack(plain), "a name without ending");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, plain);
}

TEST_P(Packing, HoldsToTheLimit) {
  const auto plain = sample(5000);
  EXPECT_TRUE(read_content(file(pack(plain)), 5000).ok());
  expect_error(read_content(file(pack(plain)), 4999), ErrorCode::kData, {"/a", "more than 4999"});
}

class Packed : public Packing {};
INSTANTIATE_TEST_SUITE_P(All, Packed, ::testing::Values(".gz", ".xz"));

TEST_P(Packed, EveryTruncationIsFound) {
  const auto packed = pack(sample(3000));
  for (size_t size = 0; size < packed.size(); ++size) {
    Bytes part(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(size));
    expect_error(unpack(part, "a" + ending()), ErrorCode::kData, {"a" + ending()});
  }
}

TEST_P(Packed, EveryChangedByteOfTheDataIsFound) {
  const auto plain = sample(3000);
  const auto packed = pack(plain);
  // gzip's header (10 bytes) has fields without a check sum: time, operating system.
  for (size_t at = ending() == ".gz" ? 10 : 0; at < packed.size(); ++at) {
    auto damaged = packed;
    damaged[at] ^= std::byte{0x10};
    auto read = unpack(damaged, "a" + ending());
    // Bits that pad the last byte of a deflate stream mean nothing.
    if (read.ok() && ending() == ".gz" && at + 9 == packed.size()) {
      EXPECT_EQ(*read, plain);
      continue;
    }
    expect_error(read, ErrorCode::kData, {"a" + ending()});
  }
}

TEST_P(Packed, BytesAfterTheEndAreRefused) {
  auto packed = pack(sample(100));
  append(packed, as_bytes("tail"));
  expect_error(unpack(packed, "a" + ending()), ErrorCode::kData, {"after its end"});
}

TEST_P(Packed, JoinedFilesAreOneContent) {
  auto packed = pack(sample(100, 1));
  append(packed, pack(sample(200, 2)));
  auto read = unpack(packed, "a");
  ASSERT_TRUE(read.ok()) << read.error().message();
  auto both = sample(100, 1);
  append(both, sample(200, 2));
  EXPECT_EQ(*read, both);
}

TEST_P(Packed, APlainFileOfThatNameIsRefused) {
  expect_error(read_content(file(sample(100))), ErrorCode::kData, {ending()});
}

TEST_P(Packed, ABombStopsAtTheLimit) {
  const Bytes zeros(50'000'000);
  const auto packed = pack(zeros);
  EXPECT_LT(packed.size(), 100'000U);
  expect_error(unpack(packed, "a" + ending(), 1000), ErrorCode::kData, {"more than 1000"});
}

TEST(Compressed, XzPaddingIsAllowed) {
  auto packed = xz(sample(100));
  packed.resize(packed.size() + 8);
  EXPECT_TRUE(unpack(packed, "a.xz").ok());
  packed.resize(packed.size() + 3);
  expect_error(unpack(packed, "a.xz"), ErrorCode::kData, {"after its end"});
}

TEST(Compressed, AGzipThatLiesAboutItsSizeIsRefusedWithoutTheMemory) {
  auto packed = gzip(sample(100));
  for (size_t i = packed.size() - 4; i < packed.size(); ++i) packed[i] = std::byte{0xff};
  expect_error(unpack(packed, "a.gz"), ErrorCode::kData, {"a.gz", "damaged"});
}

TEST(Compressed, MissingFilesAndFoldersAreNamed) {
  TemporaryFolder folder;
  expect_error(read_content(folder.path() + "/none.gz"), ErrorCode::kData,
               {"none.gz", "no such file"});
  expect_error(read_content(folder.path()), ErrorCode::kData, {folder.path(), "is a folder"});
}

}  // namespace
}  // namespace atl::data
