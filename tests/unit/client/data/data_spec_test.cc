// The table [data]: what it accepts, what it refuses, and that it opens a user's own files.
#include "client/data/data_spec.h"

#include "client/data/cifar.h"
#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

class DataTable : public ::testing::Test {
 protected:
  // The spec of a configuration file in the test's folder, or all mistakes in it.
  Result<DataSpec> read(const std::string& text) {
    ATOLL_ASSIGN(auto document,
                 config::Document::parse("[data]\n" + text, folder_.path() + "/run.toml"));
    auto root = document.root();
    DataSpec spec = read_data_spec(root.table("data"));
    ATOLL_TRY(document.finish());
    return spec;
  }
  Result<DataSplits> open(const std::string& text) {
    ATOLL_ASSIGN(const auto spec, read(text));
    return open_data(spec);
  }
  void write(const std::string& name, ByteView bytes) {
    write_file(folder_.path() + "/" + name, bytes);
  }
  std::string mistake(const std::string& text) {
    const auto spec = read(text);
    return spec ? "" : spec.error().message();
  }
  TemporaryFolder folder_;
};

TEST_F(DataTable, OpensCsvBesideTheConfiguration) {
  write("mine.csv", as_bytes("id;age;ill\n1;20;no\n2;40;yes\n3;30;yes\n"));
  auto splits = open(R"(
format = "csv"
train = "mine.csv"
delimiter = ";"
label = "ill"
classes = ["yes", "no"]
drop = ["id"]
standardize = false
test_every = 3
)");
  ASSERT_TRUE(splits.ok()) << splits.error().message();
  EXPECT_EQ(splits->train->values, (std::vector<float>{20, 40}));
  EXPECT_EQ(splits->train->labels, (std::vector<uint32_t>{1, 0}));
  EXPECT_EQ(splits->test->values, (std::vector<float>{30}));
}

TEST_F(DataTable, OpensIdxWithMomentsOfTheTrainingPart) {
  Bytes images, labels;
  for (const uint32_t word : {0x803U, 2U, 1U, 1U}) append_word(images, word);
  append(images, to_bytes({0, 255}));
  for (const uint32_t word : {0x801U, 2U}) append_word(labels, word);
  append(labels, to_bytes({0, 1}));
  write("i", images);
  write("l", labels);
  auto splits = open("format = \"idx\"\ntrain = \"i\"\ntrain_labels = \"l\"\n");
  ASSERT_TRUE(splits.ok()) << splits.error().message();
  EXPECT_FLOAT_EQ(splits->train->mean.at(0), 0.5F);
  EXPECT_FLOAT_EQ(splits->train->std.at(0), 0.5F);
  EXPECT_EQ(splits->test->size(), 0U);
  splits = open("format = \"idx\"\ntrain = \"i\"\ntrain_labels = \"l\"\nmean = [0.1]\nstd = [2]\n");
  ASSERT_TRUE(splits.ok());
  EXPECT_FLOAT_EQ(splits->train->std.at(0), 2.0F);
  auto wrong = open("format = \"idx\"\ntrain = \"i\"\ntrain_labels = \"l\"\nmean = [0.1, 0.2]\n");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code(), ErrorCode::kConfig);
}

TEST_F(DataTable, OpensCifarFromAList) {
  Bytes record(kCifarRecord);
  write("a.bin", record);
  write("b.bin.gz", gzip(record));
  auto splits = open("format = \"cifar\"\ntrain = [\"a.bin\", \"b.bin.gz\"]\ntest = \"a.bin\"\n");
  ASSERT_TRUE(splits.ok()) << splits.error().message();
  EXPECT_EQ(splits->train->size(), 2U);
  EXPECT_EQ(splits->test->size(), 1U);
  // A constant channel does not divide by zero.
  EXPECT_EQ(splits->train->std, (std::vector<float>{1, 1, 1}));
}

TEST_F(DataTable, MistakesNameTheirKey) {
  using ::testing::HasSubstr;
  EXPECT_THAT(mistake("set = \"mnits\"\n"), HasSubstr("data.set"));
  EXPECT_THAT(mistake("set = \"mnist\"\nformat = \"csv\"\ntrain = \"a\"\n"), HasSubstr("exclude"));
  EXPECT_THAT(mistake("format = \"csv\"\n"), HasSubstr("data.train"));
  EXPECT_THAT(mistake("format = \"idx\"\ntrain = \"a\"\n"), HasSubstr("data.train_labels"));
  EXPECT_THAT(mistake("format = \"csv\"\ntrain = [\"a\", \"b\"]\n"), HasSubstr("one path"));
  EXPECT_THAT(mistake("format = \"csv\"\ntrain = \"a\"\ndelimiter = \"::\"\n"),
              HasSubstr("data.delimiter"));
  EXPECT_THAT(mistake("format = \"csv\"\ntrain = \"a\"\ntest_every = 1\n"),
              HasSubstr("data.test_every"));
  EXPECT_THAT(mistake("format = \"cifar\"\ntrain = 3\n"), HasSubstr("data.train"));
  EXPECT_THAT(mistake("format = \"csv\"\ntrain = \"a\"\nlable = \"y\"\n"),
              HasSubstr("did you mean \"data.label\""));
  expect_error(open(""), ErrorCode::kConfig, {"neither a set nor a format"});
}

TEST_F(DataTable, AMissingFileIsNamed) {
  expect_error(open("format = \"csv\"\ntrain = \"none.csv\"\n"), ErrorCode::kData,
               {folder_.path() + "/none.csv", "no such file"});
}

}  // namespace
}  // namespace atl::data
