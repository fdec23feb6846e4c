#include "common/config/config.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using config::Document;
using config::Range;
using config::Table;

// What a reader says about one text.
template <typename Read>
std::string complaint(const std::string& text, Read read) {
  auto document = Document::parse(text, "f.toml");
  if (!document) return document.error().message();
  read(document->root());
  auto done = document->finish();
  if (done) return "fine";
  EXPECT_EQ(done.error().code(), ErrorCode::kConfig);
  return done.error().message();
}

template <typename T>
std::string complaint_of(const std::string& text, Range range = {}) {
  return complaint(text, [=](Table root) {
    T out{};
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
      root.read("x", out, range);
    else
      root.read("x", out);
  });
}

TEST(Config, ReadsEveryType) {
  auto document = Document::parse(
                      "b = true\nu = 4294967295\nv = 9007199254740993\ni = -5\nd = 0.5\nw = 3\n"
                      "s = 'text'\nl = ['a', 'b']\nn = [1, 2.5]\n[t]\nc = 'two'\n[t.deep]\nk = 1\n",
                      "f.toml")
                      .value();
  auto root = document.root();
  bool b = false;
  uint32_t u = 0, k = 0, absent = 9;
  uint64_t v = 0;
  int64_t i = 0;
  double d = 0, w = 0;
  std::string s, c;
  std::vector<std::string> l;
  std::vector<double> n;
  EXPECT_TRUE(root.read("b", b) && root.read("u", u) && root.read("v", v) && root.read("i", i));
  EXPECT_TRUE(root.read("d", d) && root.read("w", w) && root.read("s", s) && root.read("l", l));
  EXPECT_TRUE(root.read("n", n));
  auto t = root.table("t");
  EXPECT_TRUE(t.read_choice("c", c, {"one", "two"}) && t.table("deep").read("k", k));
  EXPECT_FALSE(root.read("absent", absent));
  EXPECT_FALSE(root.table("nowhere").read("absent", absent));
  EXPECT_TRUE(document.finish().ok());
  EXPECT_EQ(u, 4294967295u);
  EXPECT_EQ(v, 9007199254740993u);
  EXPECT_EQ(i, -5);
  EXPECT_EQ(d, 0.5);
  EXPECT_EQ(w, 3.0);
  EXPECT_EQ(s + c, "texttwo");
  EXPECT_EQ(l, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(n, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(b && k == 1 && absent == 9, true);
  EXPECT_TRUE(root.has("b"));
  EXPECT_FALSE(root.has("c"));
}

// A whole number that no double equals is rounded, not refused.
TEST(Config, WholeNumbersBeyondADoublesPrecision) {
  auto document = Document::parse("x = 9007199254740993\ny = [9007199254740993]", "f").value();
  double x = 0;
  std::vector<double> y;
  EXPECT_TRUE(document.root().read("x", x));
  EXPECT_TRUE(document.root().read("y", y));
  EXPECT_EQ(x, 9007199254740992.0);
  EXPECT_EQ(y, std::vector<double>{9007199254740992.0});
}

TEST(Config, WrongTypesAreNamed) {
  EXPECT_EQ(complaint_of<bool>("x = 1"), "f.toml:1: x: must be true or false, not a whole number");
  EXPECT_EQ(complaint_of<uint32_t>("\nx = 'a'"), "f.toml:2: x: must be a whole number, not text");
  EXPECT_EQ(complaint_of<uint64_t>("x = 1.5"), "f.toml:1: x: must be a whole number, not a number");
  EXPECT_EQ(complaint_of<int64_t>("x = true"),
            "f.toml:1: x: must be a whole number, not true or false");
  EXPECT_EQ(complaint_of<double>("x = [1]"), "f.toml:1: x: must be a number, not a list");
  EXPECT_EQ(complaint_of<std::string>("x = 2020-01-01"),
            "f.toml:1: x: must be text in quotes, not a date or time");
  EXPECT_EQ(complaint_of<std::vector<std::string>>("x = 'a'"),
            "f.toml:1: x: must be a list of texts, not text");
  EXPECT_EQ(complaint_of<std::vector<std::string>>("x = ['a', 1]"),
            "f.toml:1: x: must be a list of texts");
  EXPECT_EQ(complaint_of<std::vector<double>>("x = 1"),
            "f.toml:1: x: must be a list of numbers, not a whole number");
  EXPECT_EQ(complaint_of<std::vector<double>>("x = [1, 'a']"),
            "f.toml:1: x: must be a list of numbers");
  EXPECT_EQ(complaint("x = 1", [](Table root) { root.table("x"); }),
            "f.toml:1: x: must be a table, not a whole number");
  EXPECT_EQ(complaint("[t]\nx = {}",
                      [](Table root) {
                        uint32_t out = 0;
                        root.table("t").read("x", out);
                      }),
            "f.toml:2: t.x: must be a whole number, not a table");
}

TEST(Config, RangesAreNamedWithTheValue) {
  EXPECT_EQ(complaint_of<uint32_t>("x = 0", {.min = 1}), "f.toml:1: x: must be at least 1, not 0");
  EXPECT_EQ(complaint_of<uint32_t>("x = -1"), "f.toml:1: x: must be at least 0, not -1");
  EXPECT_EQ(complaint_of<uint32_t>("x = 4294967296"),
            "f.toml:1: x: must be at most 4294967295, not 4294967296");
  EXPECT_EQ(complaint_of<int64_t>("x = 11", {.max = 10}),
            "f.toml:1: x: must be at most 10, not 11");
  EXPECT_EQ(complaint_of<double>("x = -0.25", {.min = 0}),
            "f.toml:1: x: must be at least 0, not -0.25");
  EXPECT_EQ(complaint_of<double>("x = 1.5", {.max = 1}), "f.toml:1: x: must be at most 1, not 1.5");
  EXPECT_EQ(complaint_of<double>("x = nan"), "f.toml:1: x: must be finite");
  EXPECT_EQ(complaint_of<double>("x = -inf"), "f.toml:1: x: must be finite");
  EXPECT_EQ(complaint_of<std::vector<double>>("x = [1, inf]"), "f.toml:1: x: must be finite");
  EXPECT_EQ(complaint_of<double>("x = 1", {.min = 1, .max = 1}), "fine");
}

TEST(Config, AMistakeLeavesTheDefault) {
  auto document = Document::parse("x = 0", "f").value();
  uint32_t x = 7;
  EXPECT_FALSE(document.root().read("x", x, {.min = 1}));
  EXPECT_EQ(x, 7u);
}

TEST(Config, AnUnknownChoiceNamesTheNearestAndAll) {
  EXPECT_EQ(complaint("o = 'adam'",
                      [](Table root) {
                        std::string out;
                        root.read_choice("o", out, {"sgd", "adamw"});
                      }),
            "f.toml:1: o: \"adam\" is not known; did you mean \"adamw\"? (known: sgd, adamw)");
}

TEST(Config, AnUnknownKeyNamesTheNearestOfItsTable) {
  const auto read = [](Table root) {
    double rate = 0;
    uint32_t rounds = 0;
    root.read("rounds", rounds);
    root.table("train").read("learning_rate", rate);
  };
  EXPECT_EQ(complaint("[train]\nlearning_rat = 1", read),
            "f.toml:2: train.learning_rat: unknown key; did you mean \"train.learning_rate\"?");
  EXPECT_EQ(complaint("\n\nround = 1", read),
            "f.toml:3: round: unknown key; did you mean \"rounds\"?");
  EXPECT_EQ(complaint("[trian]\nlearning_rate = 1", read),
            "f.toml:1: trian: unknown key; did you mean \"train\"?");
}

TEST(Config, EveryMistakeIsToldInTheOrderOfTheFile) {
  EXPECT_EQ(complaint("a = 'x'\nb = 0\ncc = 1\n",
                      [](Table root) {
                        uint32_t out = 0;
                        root.read("b", out, {.min = 1});
                        root.read("a", out);
                        root.read("c", out);
                      }),
            "f.toml:1: a: must be a whole number, not text\n"
            "  f.toml:2: b: must be at least 1, not 0\n"
            "  f.toml:3: cc: unknown key; did you mean \"c\"?");
}

TEST(Config, TablesOfOtherProgramsAreLeftAlone) {
  EXPECT_EQ(complaint("[data]\nanything = 1\n[data.deep]\nmore = 2",
                      [](Table root) { root.table("data").accept_other_keys(); }),
            "fine");
}

TEST(Config, AReaderMayAddItsOwnMistakes) {
  EXPECT_EQ(complaint("[t]\n\nq = 5",
                      [](Table root) {
                        uint32_t q = 0;
                        auto t = root.table("t");
                        t.read("q", q);
                        t.fail("q", "cannot be larger than the cohort");
                      }),
            "f.toml:3: t.q: cannot be larger than the cohort");
}

TEST(Config, BrokenTomlNamesFileAndLine) {
  const auto message = complaint("a = 1\nb = = 2\n", [](Table) {});
  EXPECT_EQ(message.rfind("f.toml:2: ", 0), 0u) << message;
  const auto twice = complaint("a = 1\na = 2\n", [](Table) {});
  EXPECT_EQ(twice.rfind("f.toml:2: ", 0), 0u) << twice;
}

TEST(Config, PathsAreRelativeToTheFile) {
  testing::TemporaryFolder folder;
  const std::string file = folder.path() + "/run.toml";
  ASSERT_TRUE(write_atomic(file, "a = 'sub/../m.bin'\nb = '/abs/m'\nc = ''\n").ok());
  auto document = Document::load(file).value();
  std::string a, b, c = "x";
  document.root().read_path("a", a);
  document.root().read_path("b", b);
  document.root().read_path("c", c);
  EXPECT_EQ(a, folder.path() + "/m.bin");
  EXPECT_EQ(b, "/abs/m");
  EXPECT_EQ(c, "");
  EXPECT_EQ(document.name(), file);
}

TEST(Config, ValuesStandUnderDottedKeys) {
  const auto document =
      Document::parse("b = 1\na = 'x'\n[t]\nlist = [1, 2]\n[t.u]\nrate = 0.1\nfew = [0.1, 3]\n",
                      "f")
          .value();
  const std::vector<std::pair<std::string, std::string>> expected{
      {"a", "'x'"}, {"b", "1"}, {"t.list", "[1, 2]"}, {"t.u.few", "[0.1, 3]"}, {"t.u.rate", "0.1"}};
  EXPECT_EQ(document.values(), expected);
}

TEST(Config, AMissingFileSaysWhatToDo) {
  const auto missing = Document::load("/nowhere/run.toml");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kConfig);
  EXPECT_EQ(missing.error().message().rfind("cannot read the configuration /nowhere/run.toml", 0),
            0u);
  EXPECT_FALSE(missing.error().hint().empty());
}

}  // namespace
}  // namespace atl
