// The figures of a run, for its page and for files of their own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiments/report/run_record.h"
#include "experiments/report/svg_chart.h"

namespace atl::workbench {

struct Figure {
  std::string file;   // of its name: "train-loss"
  std::string title;  // "Training loss"
  std::string value;  // what stands beside the title; may be empty
  LineChart chart;
};

// A <figure>.
std::string draw(const Figure& figure);

// Six: accuracy, loss, train-loss, update-norm, seconds, bytes, by round.
std::vector<Figure> figures_of(const RunRecord& run);

// One line of a chart: a point for each of `lines`.
template <typename Line>
std::vector<ChartPoint> curve(const std::vector<Line>& lines,
                              const std::function<double(const Line&)>& y) {
  std::vector<ChartPoint> points;
  for (const auto& line : lines) points.push_back({static_cast<double>(line.round), y(line)});
  return points;
}

}  // namespace atl::workbench
