#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "experiments/report/summary.h"
#include "experiments/report/svg_chart.h"

namespace atl::workbench {
namespace {

std::vector<std::string> labels(const Axis& axis, Unit unit) {
  std::vector<std::string> out;
  for (double tick : axis.ticks) out.push_back(tick_label(tick, axis, unit));
  return out;
}
using Labels = std::vector<std::string>;

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// The path of the first line in the drawing.
std::string line_path(const std::string& svg) {
  const std::string begin = "<path class=\"line c0\" d=\"";
  const auto from = svg.find(begin) + begin.size();
  return svg.substr(from, svg.find('"', from) - from);
}

LineChart chart_of(std::vector<double> values) {
  LineChart chart;
  chart.series = {{"loss", {}}};
  double round = 0;
  for (double value : values) chart.series[0].points.push_back({++round, value});
  return chart;
}

TEST(Axis, HasNiceTicks) {
  EXPECT_EQ(labels(nice_axis(0.1, 0.91, 4), Unit::kPercent),
            (Labels{"0 %", "25 %", "50 %", "75 %", "100 %"}));
  EXPECT_EQ(labels(nice_axis(0, 3.8, 4), Unit::kSeconds),
            (Labels{"0 s", "1 s", "2 s", "3 s", "4 s"}));
  EXPECT_EQ(labels(nice_axis(0, 5'900'000, 4), Unit::kBytes),
            (Labels{"0 MB", "2 MB", "4 MB", "6 MB"}));
  EXPECT_EQ(labels(nice_axis(-0.0312, 0.02, 4), Unit::kNumber),
            (Labels{"-0.04", "-0.02", "0", "0.02"}));
  EXPECT_EQ(labels(nice_axis(0, 3e-9, 4), Unit::kNumber), (Labels{"0", "1e-09", "2e-09", "3e-09"}));
}

TEST(Axis, HoldsWhateverItIsGiven) {
  const unsigned seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(-12, 12), sign(-1, 1);
  for (int i = 0; i < 2000; ++i) {
    const double a = sign(random) * std::pow(10, exponent(random));
    const double b = sign(random) * std::pow(10, exponent(random));
    const double low = std::min(a, b), high = std::max(a, b);
    const auto axis = nice_axis(low, high, 4);
    const double room = (axis.high - axis.low) * 1e-6;
    ASSERT_LE(axis.low, low + room) << "seed " << seed;
    ASSERT_GE(axis.high, high - room) << "seed " << seed;
    ASSERT_GE(axis.ticks.size(), 2u) << "seed " << seed;
    ASSERT_LE(axis.ticks.size(), 8u) << "seed " << seed;
  }
  for (double value : {0.0, 5.0, -5.0, 1e-300, 1e308, double(NAN), double(INFINITY)}) {
    const auto axis = nice_axis(value, value, 4);
    EXPECT_LT(axis.low, axis.high) << value;
    EXPECT_TRUE(std::isfinite(axis.low) && std::isfinite(axis.high)) << value;
    EXPECT_LE(axis.ticks.size(), 12u) << value;
  }
}

TEST(Axis, OfRoundsHasWholeNumbersOnly) {
  EXPECT_EQ(labels(round_axis(1, 3, 8), Unit::kRounds), (Labels{"1", "2", "3"}));
  EXPECT_EQ(labels(round_axis(1, 20, 8), Unit::kRounds), (Labels{"1", "5", "10", "15", "20"}));
  EXPECT_EQ(labels(round_axis(0, 1000, 8), Unit::kRounds),
            (Labels{"0", "200", "400", "600", "800", "1000"}));
  EXPECT_EQ(labels(round_axis(7, 7, 8), Unit::kRounds), (Labels{"7"}));
}

TEST(Chart, ValuesThatAreNotFiniteLeaveGaps) {
  EXPECT_EQ(count(line_path(draw(chart_of({3, 2, 1, 0.5, 0.4}))), "M"), 1u);
  const auto svg = draw(chart_of({3, 2, NAN, 0.5, INFINITY, 0.4}));
  EXPECT_EQ(count(line_path(svg), "M"), 3u);
  EXPECT_EQ(count(line_path(svg), "L"), 1u);
  EXPECT_EQ(count(svg, "<title>"), 4u) << "no readout for a gap";
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  EXPECT_EQ(draw(chart_of({NAN, NAN})).find("<svg"), std::string::npos);
}

// Losses are never negative, however wide their deviation; differences may be.
TEST(Chart, ABandMakesNoRoomBelowZeroUnlessALineGoesThere) {
  auto chart = chart_of({2, 0.5});
  chart.series[0].points[1].spread = 0.9;
  EXPECT_EQ(draw(chart).find(">-"), std::string::npos) << draw(chart);
  chart.series[0].points.push_back({3, -0.1, 0});
  EXPECT_NE(draw(chart).find(">-"), std::string::npos);
}

TEST(Chart, OneRoundIsADot) {
  const auto svg = draw(chart_of({0.7}));
  EXPECT_EQ(count(svg, "<circle class=\"dot c0\""), 1u);
  EXPECT_NE(svg.find("<title>round 1 · 0.7</title>"), std::string::npos);
}

TEST(Chart, EscapesLabels) {
  auto chart = chart_of({1, 2});
  chart.label = "\"><script>";
  chart.series.push_back({"<b>", chart.series[0].points});
  const auto svg = draw(chart);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(svg.find("<b>"), std::string::npos);
}

TEST(Chart, ThinningKeepsPeaksGapsAndTheEnd) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 10'000; ++i) points.push_back({double(i), std::sin(i * 0.01)});
  points[4321].y = 50;
  points[8765].y = -50;
  points[6000].y = NAN;
  const auto few = thinned(points, 400);
  EXPECT_LE(few.size(), 602u);
  auto has = [&few](double x) {
    return std::any_of(few.begin(), few.end(), [x](const auto& p) { return p.x == x; });
  };
  EXPECT_TRUE(has(4321));
  EXPECT_TRUE(has(8765));
  EXPECT_TRUE(has(6000));
  EXPECT_TRUE(has(9999));
  EXPECT_TRUE(std::is_sorted(few.begin(), few.end(),
                             [](const auto& a, const auto& b) { return a.x < b.x; }));
  EXPECT_EQ(thinned(points, 10'000).size(), 10'000u);
}

TEST(Sparkline, ShowsTheShape) {
  EXPECT_EQ(sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 40), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(sparkline({0, NAN, 1}, 40), "▁ █");
  EXPECT_EQ(sparkline({}, 40), "");
  EXPECT_EQ(sparkline({0.5}, 40), "▅");
  std::vector<double> many(1000, 0);
  many.back() = 1;
  const auto line = sparkline(many, 10);
  EXPECT_EQ(line.size(), 30u);
  EXPECT_EQ(line.substr(27), "█") << "the last character is the last value";
}

}  // namespace
}  // namespace atl::workbench
