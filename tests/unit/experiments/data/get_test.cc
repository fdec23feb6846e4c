// Getting files: the real helper script, with made-up sets at file:// addresses and addresses that
// answer nothing.
#include "experiments/data/get.h"

#include <cstdlib>
#include <filesystem>

#include "client/data/locate.h"
#include "common/core/hash.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::workbench {
namespace {

using namespace atl::testing;  // NOLINT: test helpers
namespace fs = std::filesystem;

// Sets an environment variable for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_.empty() ? ::unsetenv(name_) : ::setenv(name_, old_.c_str(), 1); }

 private:
  const char* name_;
  std::string old_;
};

class Fetch : public ::testing::Test {
 protected:
  Fetch() {
    set_.name = "made";
    set_.page = "https://example.org/made";
    set_.files = {{"a.bin", content_.size(), {hex(sha256(content_))}}};
  }
  // The set's one source: bytes at a file:// address.
  void offer(const std::string& name, ByteView bytes, std::vector<data::Source::Member> members) {
    const auto path = write_file(folder_.path() + "/" + name, bytes);
    set_.sources = {{"file://" + path, "", bytes.size(), std::move(members)}};
  }
  std::string target() const { return folder_.path() + "/target"; }
  std::vector<std::string> there() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(target()))
      names.push_back(entry.path().filename().string());
    return names;
  }

  Bytes content_ = to_bytes("the content of a file");
  data::SetEntry set_;
  TemporaryFolder folder_;
};

TEST_F(Fetch, AFileArrivesWholeAndAlone) {
  offer("a.bin.gz", gzip(content_), {{"", "a.bin.gz"}});
  auto fetched = fetch_files(set_, target());
  ASSERT_TRUE(fetched.ok()) << fetched.error().explain();
  EXPECT_EQ(there(), (std::vector<std::string>{"a.bin.gz"}));
  EXPECT_EQ(*read_text(target() + "/a.bin.gz"), std::string(as_text(gzip(content_))));
}

TEST_F(Fetch, AFileThatIsThereIsNotFetchedAgain) {
  fs::create_directories(target());
  write_file(target() + "/a.bin", content_);
  set_.sources = {{"http://127.0.0.1:1/a.bin", "", 1, {{"", "a.bin"}}}};
  EXPECT_TRUE(fetch_files(set_, target()).ok());
}

TEST_F(Fetch, ADamagedFileIsFetchedAgain) {
  fs::create_directories(target());
  write_file(target() + "/a.bin", as_bytes("half of"));
  offer("a.bin.xz", xz(content_), {{"", "a.bin.xz"}});
  ASSERT_TRUE(fetch_files(set_, target()).ok());
  EXPECT_EQ(there(), (std::vector<std::string>{"a.bin.xz"}));
}

TEST_F(Fetch, WhatAKilledRunLeftIsRemoved) {
  // No process has this id: it is above the kernel's limit of 2^22.
  fs::create_directories(target() + "/.part-99999999/half");
  fs::create_directories(target() + "/.part-1");
  offer("a.bin", content_, {{"", "a.bin"}});
  ASSERT_TRUE(fetch_files(set_, target()).ok());
  EXPECT_THAT(there(), ::testing::UnorderedElementsAre("a.bin", ".part-1"));
}

TEST_F(Fetch, AnotherFileIsRefusedAndLeavesNothing) {
  offer("a.bin", as_bytes("<html>please log in</html>"), {{"", "a.bin"}});
  expect_error(fetch_files(set_, target()), ErrorCode::kData, {"made", "not the known file"});
  EXPECT_TRUE(there().empty());
  auto cut = gzip(content_);
  cut.resize(cut.size() - 5);
  offer("a.bin.gz", cut, {{"", "a.bin.gz"}});
  expect_error(fetch_files(set_, target()), ErrorCode::kData, {"not the known file"});
  EXPECT_TRUE(there().empty());
}

TEST_F(Fetch, MembersComeOutOfArchives) {
  const auto inner = folder_.path() + "/pack";
  fs::create_directories(inner + "/dir");
  write_file(inner + "/dir/a.bin", content_);
  const std::string archive = folder_.path() + "/pack.tar.gz";
  ASSERT_EQ(std::system(("tar -czf " + archive + " -C " + inner + " dir/a.bin").c_str()), 0);
  const auto bytes = *read_text(archive);
  offer("pack.tar.gz", as_bytes(bytes), {{"dir/a.bin", "a.bin"}});
  ASSERT_TRUE(fetch_files(set_, target()).ok());
  EXPECT_EQ(there(), (std::vector<std::string>{"a.bin"}));

  fs::remove_all(target());
  set_.sources[0].sha256 = std::string(64, '0');
  expect_error(fetch_files(set_, target()), ErrorCode::kData, {"SHA-256", "not 0000"});
  offer("pack.tar.gz", as_bytes(bytes), {{"dir/b.bin", "a.bin"}});
  expect_error(fetch_files(set_, target()), ErrorCode::kData, {"pack.tar.gz", "dir/b.bin"});
  offer("pack.tar.gz", as_bytes(bytes).first(bytes.size() / 2), {{"dir/a.bin", "a.bin"}});
  expect_error(fetch_files(set_, target()), ErrorCode::kData, {"pack.tar.gz"});
  EXPECT_TRUE(there().empty());
}

TEST_F(Fetch, AnAddressThatDoesNotAnswerSaysWhatToDo) {
  Variable no_proxy("no_proxy", "*");
  set_.sources = {{"http://127.0.0.1:1/a.bin", "", 1, {{"", "a.bin"}}}};
  const auto fetched = fetch_files(set_, target());
  expect_error(fetched, ErrorCode::kNetwork, {"made", "127.0.0.1:1", "cannot be reached"});
  EXPECT_THAT(fetched.error().hint(), ::testing::HasSubstr("ATOLL_DATA=FOLDER atoll data get"));
}

TEST_F(Fetch, ADownloadLargerThanTheDiskIsRefusedBeforeItBegins) {
  offer("a.bin", content_, {{"", "a.bin"}});
  set_.sources[0].bytes = uint64_t{1} << 60;
  const auto fetched = fetch_files(set_, target());
  expect_error(fetched, ErrorCode::kDiskFull, {"free space"});
  EXPECT_THAT(fetched.error().hint(), ::testing::HasSubstr("df -h"));
}

TEST_F(Fetch, AFolderThatCannotBeMadeIsNamed) {
  offer("a.bin", content_, {{"", "a.bin"}});
  expect_error(fetch_files(set_, folder_.path() + "/a.bin/x"), ErrorCode::kIo, {"a.bin"});
}

TEST_F(Fetch, ASetWithoutAnAddressSaysWhereToLook) {
  const auto fetched = fetch_files(set_, target());
  expect_error(fetched, ErrorCode::kUnsupported, {"made", "cannot be downloaded"});
  EXPECT_THAT(fetched.error().hint(), ::testing::HasSubstr("https://example.org/made"));
}

// default_credit has no address, so these never touch a network.
class Get : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  Variable cache_{"ATOLL_CACHE", folder_.path() + "/cache"};
  Variable data_{"ATOLL_DATA", folder_.path() + "/data"};
};

TEST_F(Get, WhatIsNowhereIsNotFound) {
  const auto found = find("default_credit");
  expect_error(found, ErrorCode::kData, {folder_.path() + "/data", folder_.path() + "/cache"});
  EXPECT_THAT(found.error().hint(), ::testing::HasSubstr("atoll data get default_credit"));
  EXPECT_EQ(find_or_get("default_credit").error().code(), ErrorCode::kUnsupported);
  expect_error(find("nothing"), ErrorCode::kUsage, {"nothing"});
}

TEST_F(Get, AnIncompleteFolderIsNamed) {
  fs::create_directories(folder_.path() + "/data");
  expect_error(get_dataset("adult", {.from = folder_.path() + "/data"}), ErrorCode::kData,
               {"adult.data, adult.test"});
}

TEST_F(Get, DamageInTheUsersFolderIsAnErrorNotADownload) {
  fs::create_directories(folder_.path() + "/data");
  write_file(folder_.path() + "/data/UCI_Credit_Card.csv", as_bytes("ID\n"));
  EXPECT_EQ(*find("default_credit"), folder_.path() + "/data");
  expect_error(get_dataset("default_credit"), ErrorCode::kData,
               {"UCI_Credit_Card.csv", "truncated"});
}

}  // namespace
}  // namespace atl::workbench
