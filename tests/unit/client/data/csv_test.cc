// CSV: the quirks of the form, and what columns become.
#include "client/data/csv.h"

#include <cmath>

#include "tests/support/packed.h"
#include "tests/support/temporary_folder.h"

namespace atl::data {
namespace {

using namespace atl::testing;  // NOLINT: test helpers

Result<CsvTable> table(std::string_view text, CsvFormat format = {}) {
  return CsvTable::parse(as_bytes(text), "t.csv", format);
}

std::vector<std::string> cells(const CsvTable& t) {
  std::vector<std::string> out;
  for (size_t row = 0; row < t.rows(); ++row)
    for (size_t column = 0; column < t.columns(); ++column) out.emplace_back(t.cell(row, column));
  return out;
}

TEST(CsvTable, QuotesDelimitersAndLineEnds) {
  auto t = table(
      "\xef\xbb\xbf\"name\", note ,n\r\n"
      "\"a, b\",  spaced out ,1\r\n"
      "\n"
      "\"say \"\"hi\"\"\",\"two\nlines\" ,2\n"
      "\"\",,3");
  ASSERT_TRUE(t.ok()) << t.error().message();
  EXPECT_EQ(t->column_names(), (std::vector<std::string>{"name", "note", "n"}));
  EXPECT_EQ(cells(*t), (std::vector<std::string>{"a, b", "spaced out", "1", "say \"hi\"",
                                                 "two\nlines", "2", "", "", "3"}));
  EXPECT_EQ(t->line(1), 4U);
  EXPECT_EQ(t->line(2), 6U);
}

TEST(CsvTable, CellsOutliveAMove) {
  auto t = table("a,b\n\"x\"\"y\",z\n");
  ASSERT_TRUE(t.ok());
  const CsvTable moved = std::move(*t);
  EXPECT_EQ(cells(moved), (std::vector<std::string>{"x\"y", "z"}));
}

TEST(CsvTable, SemicolonsCommentsAndNoHeader) {
  auto t = table("|a comment\n1;2,5\n3;4\n", {.delimiter = ';', .header = false, .comment = '|'});
  ASSERT_TRUE(t.ok()) << t.error().message();
  EXPECT_EQ(cells(*t), (std::vector<std::string>{"1", "2,5", "3", "4"}));
  EXPECT_EQ(*t->find("1"), 1U);
  EXPECT_EQ(*t->find("-2"), 0U);
}

TEST(CsvTable, BrokenFormsAreRefusedWithTheirLine) {
  expect_error(table("a,b\n1,2\n3\n"), ErrorCode::kData, {"t.csv:3", "1 cells", "has 2"});
  expect_error(table("a,b\n1,\"2\n3,4\n"), ErrorCode::kData, {"t.csv:2", "never ends"});
  expect_error(table("a,b\n1,\"2\"x\n"), ErrorCode::kData, {"t.csv:2", "closing quote"});
  expect_error(table("a,a\n1,2\n"), ErrorCode::kData, {"two columns are named \"a\""});
  expect_error(table("a,b\n"), ErrorCode::kData, {"no rows"});
  expect_error(table(""), ErrorCode::kData, {"no rows"});
  expect_error(table(std::string_view("a\n\0\n", 4)), ErrorCode::kData, {"zero byte"});
  expect_error(table("1,2\n", {.header = false, .names = {"a"}}), ErrorCode::kData,
               {"2 cells", "1 columns"});
  expect_error(table("a,b\n1,2\n")->find("c"), ErrorCode::kData, {"no column \"c\""});
  expect_error(table("a,b\n1,2\n")->find("-3"), ErrorCode::kData, {"no column"});
}

CsvOptions keep_all() {
  CsvOptions options;
  options.test_every = 0;
  return options;
}
Result<DataSplits> csv(std::string_view train, CsvOptions options = keep_all()) {
  return make_csv(as_bytes(train), "train.csv", {}, "", options);
}
Result<DataSplits> csv(std::string_view train, std::string_view test, CsvOptions options = {}) {
  return make_csv(as_bytes(train), "train.csv", as_bytes(test), "test.csv", options);
}

TEST(Csv, NumericColumnsAreStandardisedByTheTrainingPart) {
  auto made = csv("x,c,y\n1,5,no\n3,5,yes\n?,5,no\n", "x,c,y\n5,6,yes\n");
  ASSERT_TRUE(made.ok()) << made.error().message();
  const auto& train = *made->train;
  // Mean 2, population deviation 1; the missing value is the mean; the constant column is 0.
  EXPECT_EQ(train.values, (std::vector<float>{-1, 0, 1, 0, 0, 0}));
  EXPECT_EQ(made->test->values, (std::vector<float>{3, 0}));
  EXPECT_EQ(train.labels, (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(made->test->labels, (std::vector<uint32_t>{1}));
  EXPECT_EQ(train.class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(train.shape, (std::vector<int64_t>{2}));
  EXPECT_TRUE(train.bytes.empty());
}

TEST(Csv, RowsToBeToldAClassAreEncodedAsTheTrainingPart) {
  const TemporaryFolder folder;
  const auto file = [&folder](const char* name, std::string_view text) {
    return write_file(folder.path() + "/" + name, as_bytes(text));
  };
  const auto train = file("train.csv", "x,y,k\n1,no,a\n3,yes,b\n9,no,a\n");
  CsvOptions options;
  options.label = "y";
  options.test_every = 3;  // the third row is no training row
  const auto bare = read_csv_rows(train, file("bare.csv", "x,k\n3,b\n?,c\n"), options);
  ASSERT_TRUE(bare.ok()) << bare.error().message();
  EXPECT_FALSE(bare->labelled);
  EXPECT_EQ(bare->rows->values, (std::vector<float>{1, 0, 1, 0, 0, 0}));
  EXPECT_EQ(bare->rows->class_names, (std::vector<std::string>{"no", "yes"}));
  const auto whole = read_csv_rows(train, file("whole.csv", "x,y,k\n3,yes,b\n?,no,c\n"), options);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  EXPECT_TRUE(whole->labelled);
  EXPECT_EQ(whole->rows->values, bare->rows->values);
  EXPECT_EQ(whole->rows->labels, (std::vector<uint32_t>{1, 0}));
  expect_error(read_csv_rows(train, file("other.csv", "x,y\n3,b\n"), options), ErrorCode::kData,
               {"other.csv", "names its columns otherwise"});
  expect_error(read_csv_rows(train, file("bad.csv", "x,k\nz,b\n"), options), ErrorCode::kData,
               {"bad.csv:2: column \"x\"", "not a number"});
}

TEST(Csv, CategoricalColumnsAreOneHotInPlace) {
  auto made = csv("k,x,y\nb,1,0\na,2,1\n?,3,0\n", "k,x,y\nz,2,0\n,2,0\n");
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->train->shape, (std::vector<int64_t>{4}));  // ?, a, b, x
  EXPECT_EQ(std::vector<float>(made->train->values.begin(), made->train->values.begin() + 3),
            (std::vector<float>{0, 0, 1}));
  // A value of the test part alone is all zeros; an empty cell is the missing value.
  EXPECT_EQ(made->test->values, (std::vector<float>{0, 0, 0, 0, 1, 0, 0, 0}));
  ASSERT_EQ(made->train->columns.size(), 1U);
  EXPECT_EQ(made->train->columns[0].values, (std::vector<std::string>{"?", "a", "b", "z"}));
  EXPECT_EQ(made->train->columns[0].codes, (std::vector<uint32_t>{2, 1, 0}));
  EXPECT_EQ(made->test->columns[0].codes, (std::vector<uint32_t>{3, 0}));
}

TEST(Csv, CodesCanBeNamesColumnsCanBeDroppedOrOnlyKeptForGroups) {
  auto options = keep_all();
  options.categorical = {"code"};
  options.drop = {"id"};
  options.group = {"site"};
  options.label = "0";
  auto made = csv("y,code,id,site\n0,7,1,s1\n1,9,2,s2\n", options);
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->train->values, (std::vector<float>{1, 0, 0, 1}));
  ASSERT_EQ(made->train->columns.size(), 2U);
  EXPECT_EQ(made->train->columns[1].name, "site");
}

TEST(Csv, WholeNumberLabelsAreSortedAsNumbers) {
  auto made = csv("x,y\n1,10\n2,9\n3,-1\n");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->train->class_names, (std::vector<std::string>{"-1", "9", "10"}));
  EXPECT_EQ(made->train->labels, (std::vector<uint32_t>{2, 1, 0}));
}

TEST(Csv, TheSplitTakesEveryNthRow) {
  std::string text = "x,y\n";
  for (int i = 0; i < 11; ++i) text += std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  CsvOptions options;
  options.standardize = false;
  auto made = csv(text, options);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->test->values, (std::vector<float>{4, 9}));
  EXPECT_EQ(made->train->values, (std::vector<float>{0, 1, 2, 3, 5, 6, 7, 8, 10}));
}

TEST(Csv, NumbersThatAreNoneAreRefused) {
  expect_error(csv("x,y\n1,0\ntwo,1\n"), ErrorCode::kData,
               {"train.csv:3", "\"x\"", "\"two\" is not a number"});
  for (const char* bad : {"nan", "inf", "-inf", "1e39"})
    expect_error(csv("x,y\n1,0\n" + std::string(bad) + ",1\n"), ErrorCode::kData,
                 {"train.csv:3", bad, "not finite"});
  expect_error(csv("x,y\n1,0\n1x,1\n"), ErrorCode::kData, {"not a number"});
}

// Found by fuzzing: the quotient of two finite numbers need not be finite.
TEST(Csv, WhatCannotBeStandardisedIsRefused) {
  CsvOptions options;
  const std::string train = "x,y\n1e-30,0\n2e-30,1\n", test = "x,y\n1e38,0\n";
  const auto made = make_csv(as_bytes(train), "train.csv", as_bytes(test), "test.csv", options);
  expect_error(made, ErrorCode::kData, {"test.csv:2", "\"x\"", "too far"});
  options.standardize = false;
  EXPECT_TRUE(make_csv(as_bytes(train), "train.csv", as_bytes(test), "test.csv", options).ok());
}

TEST(Csv, LabelsAreChecked) {
  expect_error(csv("x,y\n1,0\n2,?\n"), ErrorCode::kData, {"train.csv:3", "label is missing"});
  expect_error(csv("x,y\n1,a\n", "x,y\n1,b\n"), ErrorCode::kData,
               {"test.csv:2", "label \"b\" is not known"});
  auto options = keep_all();
  options.classes = {"no", "yes"};
  expect_error(csv("x,y\n1,maybe\n", options), ErrorCode::kData, {"maybe"});
  auto made = csv("x,y\n1,yes\n", options);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->train->labels, (std::vector<uint32_t>{1}));
  EXPECT_EQ(made->train->classes, 2U);
  options.label_suffix = ".";
  EXPECT_TRUE(csv("x,y\n1,yes.\n", options).ok());
  options.label = "z";
  expect_error(csv("x,y\n1,yes\n", options), ErrorCode::kData, {"no column \"z\""});
}

TEST(Csv, TablesThatDoNotFitAreRefused) {
  expect_error(csv("x,y\n1,0\n", "x,z,y\n1,2,0\n"), ErrorCode::kData, {"test.csv", "3 columns"});
  expect_error(csv("x,y\n1,0\n", "z,y\n1,0\n"), ErrorCode::kData, {"test.csv", "otherwise"});
  expect_error(csv("y\n1\n"), ErrorCode::kData, {"no column left"});
  auto options = keep_all();
  options.drop = {"y"};
  EXPECT_EQ(csv("x,y\n1,0\n", options).error().code(), ErrorCode::kConfig);
  std::string many = "k,y\n";
  for (int i = 0; i <= 1000; ++i) many += "v" + std::to_string(i) + ",0\n";
  expect_error(csv(many), ErrorCode::kData, {"\"k\"", "1001 different texts"});
}

TEST(Csv, ReadsPackedFiles) {
  TemporaryFolder folder;
  const auto path = write_file(folder.path() + "/t.csv.gz", gzip(as_bytes("x,y\n1,0\n2,1\n")));
  auto made = read_csv(path, "", {});
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->train->size(), 2U);
  EXPECT_EQ(made->test->size(), 0U);
  EXPECT_EQ(made->train->name, path);
}

}  // namespace
}  // namespace atl::data
