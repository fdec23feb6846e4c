// `atoll report` as it is typed: pages, files for papers, and what it refuses to overwrite.
#include "experiments/report/report_verb.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "experiments/report/svg_chart.h"
#include "tests/support/run_folder.h"

namespace atl::workbench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::RunFolder;

struct Said {
  Status status;
  std::string out;
};

Said report(std::vector<std::string> words) {
  CLI::App app;
  Verbs verbs;
  add_report_verb(app, verbs);
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  words.emplace_back("report");
  app.parse(words);
  ::testing::internal::CaptureStdout();
  auto status = verbs[0].run();
  return {std::move(status), ::testing::internal::GetCapturedStdout()};
}

void make_run(RunFolder& folder, int seed, double first) {
  folder.write("config.toml", "name = \"a\"\nseed = " + std::to_string(seed) + "\n");
  folder.write("run.json", R"({"partition":{"table":[[3,4],[5,6]]}})");
  folder.add_rounds(4, 2, first);
  folder.add({{"event", "refused"}, {"round", 4}, {"client", "x,\"y\""}, {"reason", "why\nnot"}});
  folder.read();
}

// Every element that is opened is closed, in order; enough to find what draw() could get wrong.
void expect_well_formed(const std::string& xml) {
  static const std::regex tag(R"(<(/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<]*")*)(/?)>)");
  std::vector<std::string> open;
  size_t at = xml.find("?>") + 2;
  for (std::smatch match; std::regex_search(xml.begin() + long(at), xml.end(), match, tag);) {
    const auto between = match.prefix().str();
    ASSERT_EQ(between.find('<'), std::string::npos) << between;
    if (match[1] == "/") {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ(open.back(), match[2]);
      open.pop_back();
    } else if (match[4] != "/") {
      open.push_back(match[2]);
    }
    at += static_cast<size_t>(match.position() + match.length());
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(xml.substr(at), "\n");
}

size_t lines_of(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(DrawAlone, IsXmlWithColoursOfItsOwn) {
  LineChart chart{.label = "a < b & \"c\"", .unit = Unit::kPercent, .series = {}};
  for (int line = 0; line < 10; ++line)
    chart.series.push_back({"<line " + std::to_string(line) + ">", {{1, 0.1}, {2, 0.2, 0.05}}});
  const auto svg = draw_alone(chart);
  expect_well_formed(svg);
  EXPECT_EQ(svg.rfind("<?xml", 0), 0u);
  EXPECT_NE(svg.find("xmlns=\"http://www.w3.org/2000/svg\""), std::string::npos);
  EXPECT_NE(svg.find("stroke:#"), std::string::npos);
  EXPECT_EQ(svg.find("var("), std::string::npos) << "it has no page to take a colour from";
  EXPECT_EQ(svg.find("class=\"stops\""), std::string::npos);
  EXPECT_EQ(draw_alone({.series = {}}), "");
}

TEST(DrawAlone, TheLegendGrowsAndThePlotStays) {
  LineChart one{.series = {{"a", {{1, 0}, {2, 1}}}}}, many = one;
  for (int line = 0; line < 12; ++line)
    many.series.push_back({"a run with a long name " + std::to_string(line), {{1, 0}, {2, 1}}});
  const auto height = [](const std::string& svg) {
    return std::stod(svg.substr(svg.find("height=\"") + 8));
  };
  EXPECT_GT(height(draw_alone(many)), height(draw_alone(one)) + 60);
}

TEST(ReportVerb, ExportsARun) {
  RunFolder a;
  make_run(a, 1, 0.5);
  const auto out = a.path() + "/files";
  ASSERT_TRUE(report({a.path(), "--export", out}).status.ok());
  for (const char* name : {"accuracy", "loss", "train-loss", "update-norm", "seconds", "bytes"})
    expect_well_formed(read_text(out + "/" + name + ".svg").value());
  const auto rounds = read_text(out + "/rounds.csv").value();
  EXPECT_EQ(lines_of(rounds), 6u) << "a header, round 0 and four rounds";
  EXPECT_NE(rounds.find("\n0,,,,,0.5,1,,,,0,\n"), std::string::npos) << rounds;
  EXPECT_NE(rounds.find("\n2,2,100,1,0.5,0.502,"), std::string::npos) << rounds;
  EXPECT_EQ(read_text(out + "/partition.csv").value(), "client,class_0,class_1\n0,3,4\n1,5,6\n");
  EXPECT_NE(read_text(out + "/refusals.csv").value().find("4,\"x,\"\"y\"\"\",\"why\nnot\"\n"),
            std::string::npos);
  EXPECT_EQ(lines_of(read_text(out + "/clients.csv").value()), 9u);
  const auto list = read_text(out + "/figures.csv").value();
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(out)) files += entry.is_regular_file();
  EXPECT_EQ(lines_of(list), files) << "a header, and all but itself";
  EXPECT_TRUE(report({a.path(), "--export", out}).status.ok()) << "once more over itself";
}

TEST(ReportVerb, ExportsSeveralRuns) {
  RunFolder a, b;
  make_run(a, 1, 0.5);
  make_run(b, 2, 0.6);
  const auto out = a.path() + "/files";
  ASSERT_TRUE(report({a.path(), b.path(), "--out", a.path() + "/p.html", "--export", out,
                      "--target", "0.6"})
                  .status.ok());
  expect_well_formed(read_text(out + "/accuracy-by-bytes.svg").value());
  EXPECT_EQ(lines_of(read_text(out + "/rounds.csv").value()), 11u);
  const auto groups = read_text(out + "/groups.csv").value();
  EXPECT_NE(groups.find(",rounds_to_target,0,,1\n"), std::string::npos) << groups;
  EXPECT_NE(read_text(out + "/differences.csv").value().find("\nseed,1,2\n"), std::string::npos);
}

TEST(ReportVerb, LeavesWhatIsNotItsOwn) {
  RunFolder a, b;
  make_run(a, 1, 0.5);
  make_run(b, 2, 0.6);
  a.write("notes/paper.html", "<html>my notes</html>");
  const auto mine = a.path() + "/notes/paper.html";
  for (const auto& words : {std::vector<std::string>{a.path(), "--out", mine},
                            std::vector<std::string>{a.path(), b.path(), "--out", mine},
                            std::vector<std::string>{a.path(), "--export", a.path() + "/notes"}}) {
    const auto said = report(words);
    ASSERT_FALSE(said.status.ok());
    EXPECT_EQ(said.status.error().code(), ErrorCode::kUsage);
    EXPECT_FALSE(said.status.error().hint().empty());
  }
  EXPECT_EQ(read_text(mine).value(), "<html>my notes</html>");
  // Its own page it writes anew, also one that says so in its title only.
  ASSERT_TRUE(report({a.path(), b.path(), "--out", a.path() + "/p.html"}).status.ok());
  ASSERT_TRUE(report({a.path(), b.path(), "--out", a.path() + "/p.html"}).status.ok());
  a.write("p.html", "<!DOCTYPE html><title>x – Atoll run report</title><style>");
  EXPECT_TRUE(report({a.path(), "--out", a.path() + "/p.html"}).status.ok());
}

TEST(ReportVerb, TheSameFolderTwiceIsOneRun) {
  RunFolder a;
  make_run(a, 1, 0.5);
  const auto said = report({a.path(), a.path() + "/"});
  ASSERT_TRUE(said.status.ok());
  EXPECT_NE(said.out.find("it counts once"), std::string::npos);
  EXPECT_TRUE(fs::exists(a.path() + "/report.html"));
}

TEST(ReportVerb, OneFolderWithoutARunIsAnError) {
  RunFolder a;
  make_run(a, 1, 0.5);
  testing::TemporaryFolder empty;
  const auto said = report({a.path(), empty.path()});
  ASSERT_FALSE(said.status.ok());
  EXPECT_EQ(said.status.error().code(), ErrorCode::kIo);
}

TEST(ReportVerb, JsonIsOneLine) {
  RunFolder a, b;
  make_run(a, 1, 0.5);
  make_run(b, 2, 0.6);
  const auto said = report({a.path(), b.path(), "--json", "--out", a.path() + "/p.html"});
  ASSERT_TRUE(said.status.ok());
  EXPECT_EQ(lines_of(said.out), 1u);
  EXPECT_EQ(Json::parse(said.out)["report"], a.path() + "/p.html");
}

}  // namespace
}  // namespace atl::workbench
