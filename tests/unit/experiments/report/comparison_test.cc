// Several runs side by side, from their folders.
#include "experiments/report/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/report/comparison_figures.h"
#include "experiments/report/comparison_page.h"
#include "experiments/report/comparison_summary.h"
#include "experiments/report/text.h"
#include "tests/support/run_folder.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;
using testing::RunFolder;

std::string config(int seed, const std::string& norm) {
  return "name = \"run-" + std::to_string(seed) + "\"\nseed = " + std::to_string(seed) +
         "\nrounds = 20\n[model]\nname = \"lenet\"\nnorm = \"" + norm + "\"\n";
}

// Rounds of 1,900 bytes; accuracy `first`, and a thousandth more each round.
RunRecord run(RunFolder& folder, const std::string& toml, double first, uint32_t rounds = 20) {
  folder.write("config.toml", toml);
  folder.add_rounds(rounds, 1, first);
  folder.write("status.json", R"({"state":"finished","round":)" + std::to_string(rounds) +
                                  R"(,"model_sha256":"m)" + std::to_string(first) + "\"}");
  return folder.read();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
bool has_note(const Comparison& comparison, const std::string& part) {
  for (const auto& note : comparison.notes)
    if (has(note, part)) return true;
  return false;
}

TEST(Comparison, TellsOnlyTheKeysThatDiffer) {
  RunFolder a, b;
  const auto made = compare({run(a, config(1, "bn"), 0.5), run(b, config(2, "ln"), 0.5)});
  ASSERT_EQ(made.differences.size(), 3u);
  EXPECT_EQ(made.differences[0].key, "model.norm");
  EXPECT_EQ(made.differences[1].key, "name");
  EXPECT_EQ(made.differences[2].key, "seed");
  EXPECT_EQ(made.differences[2].values, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(made.same, 2u) << "rounds and model.name";
  const auto page = render_page(made);
  EXPECT_TRUE(has(page, "<td>model.norm</td>"));
  EXPECT_FALSE(has(page, "<td>model.name</td>"));
  EXPECT_TRUE(has(page, "Same in all: 2 keys."));
}

TEST(Comparison, AMissingKeyDiffers) {
  RunFolder a, b;
  const auto made =
      compare({run(a, config(1, "bn") + "classes = 10\n", 0.5), run(b, config(1, "bn"), 0.6)});
  ASSERT_EQ(made.differences.size(), 1u);
  EXPECT_EQ(made.differences[0].values, (std::vector<std::string>{"10", ""}));
  EXPECT_EQ(made.groups.size(), 2u);
}

TEST(Comparison, SeedsAreOneLineWithMeanAndDeviation) {
  RunFolder a, b, c, other;
  const auto made = compare({run(a, config(1, "bn"), 0.50), run(b, config(2, "bn"), 0.52),
                             run(other, config(1, "ln"), 0.40), run(c, config(3, "bn"), 0.57)});
  ASSERT_EQ(made.groups.size(), 2u);
  EXPECT_TRUE(made.grouped());
  EXPECT_EQ(made.groups[0].runs, (std::vector<size_t>{0, 1, 3}));
  EXPECT_EQ(made.groups[0].label, "norm = bn");
  // Final accuracies 0.52, 0.54, 0.59: mean 0.55, deviation sqrt((9 + 1 + 16) / 2) hundredths.
  const auto spread = spread_of(made, made.groups[0], final_accuracy);
  EXPECT_NEAR(spread.mean, 0.55, 1e-12);
  EXPECT_NEAR(spread.deviation, std::sqrt(13.0) / 100, 1e-12);
  EXPECT_EQ(spread.count, 3u);
  EXPECT_EQ(shown(made, made.groups[0], final_accuracy, Unit::kPercent), "55.00 % ± 3.61");
  EXPECT_EQ(shown(made, made.groups[1], final_accuracy, Unit::kPercent), "42.00 %");
  const auto figures = figures_of(made);
  ASSERT_EQ(figures.size(), 6u);
  ASSERT_EQ(figures[0].chart.series.size(), 2u);
  const auto& last = figures[0].chart.series[0].points.back();
  EXPECT_EQ(last.x, 20);
  EXPECT_NEAR(last.y, 0.55, 1e-12);
  EXPECT_NEAR(last.spread, std::sqrt(13.0) / 100, 1e-12);
  EXPECT_TRUE(has(draw(figures[0].chart), "class=\"band c0\""));
  EXPECT_FALSE(has(draw(figures[0].chart), "class=\"band c1\"")) << "one run has no spread";
}

TEST(Comparison, CountsRoundsAndBytesToTheTarget) {
  RunFolder a, b;
  // Their bests are 0.520 and 0.617: by default the target is 52 %.
  std::vector<RunRecord> runs{run(a, config(1, "bn"), 0.5), run(b, config(1, "ln"), 0.597)};
  auto made = compare(runs);
  ASSERT_TRUE(made.target);
  EXPECT_DOUBLE_EQ(*made.target, 0.52);
  EXPECT_EQ(rounds_to_target(made.runs[0]), 20);
  EXPECT_EQ(bytes_to_target(made.runs[0]), 20 * 1900);
  EXPECT_EQ(rounds_to_target(made.runs[1]), 0) << "the initial model is good enough";
  EXPECT_EQ(bytes_to_target(made.runs[1]), 0);
  made = compare(runs, 0.6);
  EXPECT_TRUE(std::isnan(rounds_to_target(made.runs[0])));
  EXPECT_EQ(rounds_to_target(made.runs[1]), 3);
  EXPECT_EQ(bytes_to_target(made.runs[1]), 3 * 1900);
  EXPECT_EQ(made.runs[1].reached->seconds, 6);
  EXPECT_TRUE(has(render_page(made), "60.00 % or above: as asked for"));
}

TEST(Comparison, BytesLieAlongTheAxis) {
  RunFolder a, b;
  const auto made = compare({run(a, config(1, "bn"), 0.5), run(b, config(1, "ln"), 0.6)});
  const auto figures = figures_of(made);
  EXPECT_EQ(figures[3].file, "accuracy-by-bytes");
  const auto& points = figures[3].chart.series[0].points;
  ASSERT_EQ(points.size(), 21u);
  EXPECT_EQ(points[0].x, 0);
  EXPECT_EQ(points[20].x, 20 * 1900);
  const auto svg = draw(figures[3].chart);
  EXPECT_TRUE(has(svg, ">traffic, both ways<"));
  EXPECT_TRUE(has(svg, "<title>38.0 kB"));
}

TEST(Comparison, TheSameRunTwiceCountsOnce) {
  RunFolder a, b, c;
  const auto first = run(a, config(1, "bn"), 0.5);
  auto again = first;
  again.folder += "/.";
  auto made = compare({first, again, run(b, config(2, "bn"), 0.6)});
  EXPECT_EQ(made.runs.size(), 2u);
  EXPECT_TRUE(has_note(made, "is the same folder as"));
  // A copy elsewhere.
  made = compare({first, run(b, config(2, "bn"), 0.6), run(c, config(1, "bn"), 0.5)});
  EXPECT_EQ(made.runs.size(), 2u);
  EXPECT_TRUE(has_note(made, "is a copy of"));
  // The same seed once more, at another time.
  auto later = run(c, config(1, "bn"), 0.5);
  later.metrics.last_time = "2026-02-01T00:00:00Z";
  made = compare({first, run(b, config(2, "bn"), 0.6), later});
  EXPECT_EQ(made.runs.size(), 3u);
  EXPECT_EQ(made.groups.size(), 2u);
  EXPECT_EQ(made.groups[0].runs.size(), 2u) << "seeds 1 and 2";
  EXPECT_TRUE(has_note(made, "no mean counts it twice"));
}

TEST(Comparison, NotesWhatDoesNotCompare) {
  RunFolder a, b, c;
  a.write("run.json", R"({"data":{"set":"digits"},"partition":{"table":[[1,2,3]]}})");
  b.write("run.json", R"({"data":{"set":"mnist"},"partition":{"table":[[1,2]]}})");
  c.write("config.toml", "name = \n");
  const auto made = compare({run(a, config(1, "bn"), 0.5), run(b, config(1, "bn"), 0.6), c.read()});
  EXPECT_TRUE(has_note(made, "different numbers of classes: 2 ("));
  EXPECT_TRUE(has_note(made, "different data sets: digits ("));
  EXPECT_TRUE(has_note(made, "nothing was evaluated"));
  EXPECT_TRUE(has_note(made, "config.toml:")) << "a damaged part is told";
  EXPECT_EQ(made.groups.size(), 3u) << "of a damaged configuration nothing is known";
  EXPECT_FALSE(has(render_page(made), "nan"));
  EXPECT_TRUE(Json::parse(json_summary(made, "p"))["runs"][2]["accuracy"].is_null());
}

TEST(Comparison, RunsWithoutAnyEvaluationHaveNoTarget) {
  RunFolder a, b;
  a.write("config.toml", config(1, "bn"));
  b.write("config.toml", config(1, "ln"));
  const auto made = compare({a.read(), b.read()});
  EXPECT_FALSE(made.target);
  const auto page = render_page(made);
  EXPECT_TRUE(has(page, "there is no target to reach"));
  EXPECT_TRUE(has(page, "nothing was recorded"));
  EXPECT_TRUE(Json::parse(json_summary(made, "p"))["target"].is_null());
}

TEST(Comparison, TerminalAndJsonSayTheSame) {
  RunFolder a, b, c;
  const auto made = compare(
      {run(a, config(1, "bn"), 0.5), run(b, config(2, "bn"), 0.6), run(c, config(1, "ln"), 0.7)});
  const auto text = terminal_summary(made, "p.html");
  EXPECT_TRUE(has(text, "▁"));
  EXPECT_TRUE(has(text, "57.00 % ± 7.07"));
  EXPECT_TRUE(has(text, "differ in model.norm, name, seed"));
  std::vector<size_t> ends;  // the columns of numbers end at one place
  for (size_t line = 0, at = 0; line < 4; ++line, at = text.find('\n', at) + 1)
    ends.push_back(shown_width(text.substr(at, text.find('\n', at) - at)));
  EXPECT_EQ(ends[1], ends[2]);
  EXPECT_EQ(ends[2], ends[3]);
  const auto json = Json::parse(json_summary(made, "p.html"));
  EXPECT_EQ(json["groups"].size(), 2u);
  EXPECT_EQ(json["groups"][0]["accuracy"]["n"], 2);
  EXPECT_NEAR(json["groups"][0]["accuracy"]["mean"].get<double>(), 0.57, 1e-12);
  EXPECT_TRUE(json["groups"][1]["accuracy"]["deviation"].is_null());
  EXPECT_EQ(json["runs"][2]["rounds_to_target"], 0);
  EXPECT_EQ(json["differences"]["seed"], Json::parse(R"(["1","2","1"])"));
}

TEST(Comparison, ManyRunsKeepLinesThatCanBeToldApart) {
  std::vector<RunFolder> folders(40);
  std::vector<RunRecord> runs;
  for (size_t i = 0; i < folders.size(); ++i)
    runs.push_back(run(folders[i], config(1, "n" + std::to_string(i)), 0.3 + 0.01 * double(i), 3));
  const auto made = compare(std::move(runs));
  const auto figures = figures_of(made);
  EXPECT_EQ(figures[0].chart.series.size(), kMostSeries);
  EXPECT_NEAR(figures[0].chart.series[0].points[0].y, 0.38, 1e-9) << "the worst eight are left out";
  const auto page = render_page(made);
  EXPECT_TRUE(has(page, "class=\"line c7 d3\""));
  EXPECT_TRUE(has(page, "The 32 with the best accuracy are drawn"));
}

}  // namespace
}  // namespace atl::workbench
