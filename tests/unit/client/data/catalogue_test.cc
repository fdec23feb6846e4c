// The catalogue's facts hold together, and folders are searched and checked as promised. Opening
// the real sets is real_data_test.cc.
#include "client/data/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "client/data/locate.h"
#include "client/data/open.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

std::string plain(const std::string& name) {
  return name.ends_with(".gz") || name.ends_with(".xz") ? name.substr(0, name.size() - 3) : name;
}

TEST(Catalogue, EveryEntryIsWhole) {
  std::set<std::string> names;
  for (const auto& set : catalogue()) {
    SCOPED_TRACE(set.name);
    EXPECT_TRUE(names.insert(set.name).second);
    EXPECT_FALSE(set.licence.empty());
    EXPECT_TRUE(set.page.starts_with("http"));
    EXPECT_GT(set.train, set.test);
    EXPECT_GE(set.class_names.size(), 2U);
    const bool images = set.format != SetFormat::kCsv;
    EXPECT_EQ(set.mean.size(), images ? static_cast<size_t>(set.shape[0]) : 0U);
    EXPECT_EQ(set.std.size(), set.mean.size());
    std::set<std::string> files, fetched;
    for (const auto& file : set.files) {
      files.insert(file.name);
      EXPECT_FALSE(file.digests.empty());
      for (const auto& digest : file.digests) {
        EXPECT_TRUE(digest.size() == 64 || digest.size() == 40) << digest;
        EXPECT_EQ(digest.find_first_not_of("0123456789abcdef"), std::string::npos);
      }
    }
    for (const auto& source : set.sources)
      for (const auto& member : source.members) fetched.insert(plain(member.file));
    EXPECT_TRUE(fetched.empty() || fetched == files);
  }
}

TEST(Catalogue, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  const auto found = find_set("mnits");
  expect_error(found, ErrorCode::kUsage, {"\"mnits\""});
  EXPECT_THAT(found.error().hint(), ::testing::HasSubstr("fashion_mnist"));
}

class Wdbc : public ::testing::Test {
 protected:
  const SetEntry& set_ = **find_set("wdbc");
  TemporaryFolder folder_;
};

TEST_F(Wdbc, IsFoundInTheFolderOrBelowItUnderAnyPacking) {
  expect_error(locate(set_, folder_.path()), ErrorCode::kData, {"lacks wdbc.data"});
  expect_error(locate(set_, folder_.path() + "/none"), ErrorCode::kData, {"no folder"});
  write_file(folder_.path() + "/wdbc.data.xz", {});
  EXPECT_EQ(*locate(set_, folder_.path()), folder_.path());
  std::filesystem::create_directories(folder_.path() + "/wdbc");
  write_file(folder_.path() + "/wdbc/wdbc.data", {});
  EXPECT_EQ(*locate(set_, folder_.path()), folder_.path() + "/wdbc");
}

TEST_F(Wdbc, AFileThatIsNotTheKnownOneIsNeverRead) {
  const auto path = folder_.path() + "/wdbc.data";
  write_file(path, as_bytes("1,M,2\n"));
  expect_error(open_dataset("wdbc", folder_.path()), ErrorCode::kData,
               {"wdbc", path, "truncated", "124103"});
  write_file(path, Bytes(124'103));
  expect_error(open_dataset("wdbc", folder_.path()), ErrorCode::kData,
               {path, "not the known file", "SHA-256"});
  write_file(path, Bytes(124'104));
  expect_error(verify_dataset("wdbc", folder_.path()), ErrorCode::kData,
               {path, "more than 124103"});
  write_file(path + ".gz", gzip(Bytes(10)));
  std::filesystem::remove(path);
  expect_error(open_dataset("wdbc", folder_.path()), ErrorCode::kData, {"wdbc.data.gz"});
}

}  // namespace
}  // namespace atl::data
