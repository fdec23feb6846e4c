// SHA-256, and files that are all there or not there at all.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/core/transfer_hash.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using testing::TemporaryFolder;

// FIPS 180-4's examples.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 hash;
  const std::string piece(7, 'a');
  for (int i = 0; i < 142'857; ++i) hash.update(as_bytes(piece));
  hash.update(as_bytes("a"));
  EXPECT_EQ(hex(hash.finish()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileFromAnOffset) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/x";
  ASSERT_TRUE(write_atomic(path, "xyzabc").ok());
  EXPECT_EQ(sha256_file(path, 3).value(), sha256(as_bytes("abc")));
  EXPECT_EQ(sha256_file(path, 6).value(), sha256({}));
  EXPECT_EQ(sha256_file(folder.path() + "/none").error().code(), ErrorCode::kIo);
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
}

TEST(File, ReadsAndWritesAtOffsets) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/x";
  auto file = File::create(path).value();
  ASSERT_TRUE(file.write_at(4, as_bytes("tail")).ok());
  ASSERT_TRUE(file.write_at(0, as_bytes("head")).ok());
  EXPECT_EQ(file.size().value(), 8u);
  std::array<std::byte, 4> out;
  ASSERT_TRUE(file.read_at(2, out).ok());
  EXPECT_EQ(as_text(out), "adta");
  const auto past = file.read_at(6, out);
  ASSERT_FALSE(past.ok());
  EXPECT_NE(past.error().message().find("ends early, at byte 8"), std::string::npos)
      << past.error().message();
  auto kept = File::open_or_create(path).value();
  EXPECT_EQ(kept.size().value(), 8u);
  ASSERT_TRUE(kept.truncate(3).ok());
  EXPECT_EQ(read_text(path).value(), "hea");
}

TEST(File, ReadTextRefusesWhatIsTooLargeOrNoFile) {
  TemporaryFolder folder;
  ASSERT_TRUE(write_atomic(folder.path() + "/x", "12345").ok());
  EXPECT_EQ(read_text(folder.path() + "/x", 5).value(), "12345");
  EXPECT_FALSE(read_text(folder.path() + "/x", 4).ok());
  EXPECT_FALSE(read_text(folder.path() + "/none").ok());
  EXPECT_FALSE(read_text(folder.path()).ok());
}

TEST(WriteAtomic, KeepsTheOldFileWhenFillFails) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/x";
  ASSERT_TRUE(write_atomic(path, "old").ok());
  const auto failed = write_atomic(path, [](File& file) -> Status {
    ATOLL_TRY(file.write_at(0, as_bytes("half of the new")));
    return Error(ErrorCode::kDiskFull, "no room");
  });
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kDiskFull);
  EXPECT_EQ(failed.error().message(), "cannot write " + path + ": no room");
  EXPECT_EQ(read_text(path).value(), "old");
  EXPECT_FALSE(exists(path + ".part"));
  ASSERT_TRUE(write_atomic(path, "new").ok());
  EXPECT_EQ(read_text(path).value(), "new");
  EXPECT_EQ(mode_of(path), 0644u);
}

TEST(WriteAtomic, SecretsAreTheOwnersAloneFromTheFirstByte) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/key";
  // A part that a crash left, open to all: who holds it open must not see the secret.
  { auto part = File::create(path + ".part", 0666).value(); }
  auto spy = File::open_read(path + ".part").value();
  ASSERT_TRUE(write_secret(path, "secret").ok());
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(spy.size().value(), 0u);
  ASSERT_TRUE(write_secret(path, "another").ok());
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST(WriteAtomic, WithoutAFolderSaysSo) {
  TemporaryFolder folder;
  const auto failed = write_atomic(folder.path() + "/none/x", "text");
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message().find("No such file"), std::string::npos);
}

TEST(File, AFullDiskHasItsOwnCode) {
  auto full = File::create("/dev/full");
  if (!full) GTEST_SKIP() << "no /dev/full here";
  const auto failed = full->write_at(0, as_bytes("x"));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code(), ErrorCode::kDiskFull);
}

TEST(File, MakesFoldersButNotOverAFile) {
  TemporaryFolder folder;
  ASSERT_TRUE(make_folders(folder.path() + "/a/b/c").ok());
  ASSERT_TRUE(make_folders(folder.path() + "/a/b/c").ok());
  ASSERT_TRUE(write_atomic(folder.path() + "/file", "x").ok());
  EXPECT_EQ(make_folders(folder.path() + "/file/sub").error().code(), ErrorCode::kIo);
}

TEST(Bytes, HexIsLowerCaseTwoDigitsAByte) {
  const std::array<std::byte, 3> bytes{std::byte{0x00}, std::byte{0xaf}, std::byte{0x10}};
  EXPECT_EQ(to_hex(bytes), "00af10");
}

// Found with xxhsum -H2 and sha256sum: the digest of b"abc" is SHA-256 of XXH3-128("abc").
TEST(TransferHash, KnownAnswersAndPiecesOfAnySize) {
  EXPECT_EQ(hex(transfer_digest({})), hex(sha256({})));
  EXPECT_EQ(hex(transfer_digest(as_bytes("abc"))),
            "94a2a63e8db1de93dcd8c6965426fc74d8cb5c71903b002cdc74f89150c9a34e");
  std::string text(3 * (1 << 20) + 12345, 'x');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
  const auto whole = transfer_digest(as_bytes(text));
  for (size_t piece : {size_t{1000}, size_t{1} << 20, size_t{2'000'003}}) {
    TransferHash hash;
    for (size_t at = 0; at < text.size(); at += piece)
      hash.update(as_bytes(text.substr(at, piece)));
    EXPECT_EQ(hash.finish(), whole) << piece;
  }
  for (size_t at : {size_t{0}, text.size() / 2, text.size() - 1}) {
    auto changed = text;
    changed[at] ^= 1;
    EXPECT_NE(transfer_digest(as_bytes(changed)), whole) << at;
  }
  EXPECT_NE(transfer_digest(as_bytes(text.substr(1 << 20))), whole);
}

}  // namespace
}  // namespace atl
