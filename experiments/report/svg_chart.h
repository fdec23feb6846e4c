// Line charts as inline SVG: axes with nice ticks, a legend when there are several lines, and a
// readout at the pointer without a line of script. Colours and fonts come from the page's style
// (page_style.h), so that one drawing serves light, dark and paper; or from within, for a file of
// its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/report/axis.h"

namespace atl::workbench {

struct ChartPoint {
  double x = 0;       // a round, or what LineChart::along says
  double y = 0;       // not finite: a gap in the line
  double spread = 0;  // a band is drawn from y - spread to y + spread
};

struct ChartSeries {
  std::string label;
  std::vector<ChartPoint> points;  // ascending x
};

struct LineChart {
  std::string label;  // for screen readers
  Unit unit = Unit::kNumber;
  Unit along = Unit::kRounds;       // what x counts: rounds or bytes
  bool from_zero = false;           // the axis begins at 0
  std::optional<double> ceiling;    // the axis ends here at most (1 for a share)
  std::vector<ChartSeries> series;  // at most kMostSeries
};

// Eight colours, each in four kinds of line.
constexpr size_t kMostSeries = 32;

// An <svg> element; text where there is no finite point. At most a few hundred points of a series
// are drawn: of a longer one, the least and the greatest of each stretch, so that no peak is lost.
std::string draw(const LineChart& chart);

// The same as an XML document with colours of its own, on white, and without the readout; "" where
// there is no finite point.
std::string draw_alone(const LineChart& chart);

// Small and without axes, for a cell of a table: "" for fewer than two finite points.
std::string draw_spark(const std::vector<ChartPoint>& points);

// At most about `limit` points, extremes and gaps kept.
std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t limit);

}  // namespace atl::workbench
