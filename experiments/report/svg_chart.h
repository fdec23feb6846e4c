// Line charts as inline SVG: axes with nice ticks, a legend when there are several lines, and a
// readout at the pointer without a line of script. Colours and fonts come from the page's style
// (page_style.h), so that one drawing serves light, dark and paper.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/report/axis.h"

namespace atl::workbench {

struct ChartPoint {
  double x = 0;  // a round
  double y = 0;  // not finite: a gap in the line
};

struct ChartSeries {
  std::string label;
  std::vector<ChartPoint> points;  // ascending x
};

struct LineChart {
  std::string label;  // for screen readers
  Unit unit = Unit::kNumber;
  bool from_zero = false;           // the axis begins at 0
  std::optional<double> ceiling;    // the axis ends here at most (1 for a share)
  std::vector<ChartSeries> series;  // at most 4
};

// An <svg> element; text where there is no finite point. At most a few hundred points of a series
// are drawn: of a longer one, the least and the greatest of each stretch, so that no peak is lost.
std::string draw(const LineChart& chart);

// Small and without axes, for a cell of a table: "" for fewer than two finite points.
std::string draw_spark(const std::vector<ChartPoint>& points);

// At most about `limit` points, extremes and gaps kept.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t limit);

}  // namespace atl::workbench
