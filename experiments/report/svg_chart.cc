#include "experiments/report/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "common/core/check.h"
#include "experiments/report/page_style.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

// In the units of the viewBox, which are about pixels on a wide screen.
constexpr double kWidth = 460, kHeight = 236;
constexpr double kTop = 26, kBottom = 34, kRight = 12;
constexpr double kRightOfBytes = 26;  // half of "15.0 MB" stands beyond the axis
constexpr size_t kMostPoints = 400;
constexpr size_t kMostStops = 100;  // places along x where the pointer finds a readout
constexpr size_t kDotsUpTo = 30;    // a line of few points shows them
constexpr size_t kColors = 8;
constexpr size_t kLongestLabel = 48;
constexpr double kLegendRow = 15;

std::string xy(double x, double y) { return fixed(x, 1) + " " + fixed(y, 1); }

// The classes of a line: the ninth has the first's colour, and dashes.
std::string look_of(size_t series) {
  const size_t dashes = series / kColors;
  return "c" + std::to_string(series % kColors) +
         (dashes > 0 ? " d" + std::to_string(dashes) : std::string());
}

struct Frame {
  Axis x, y;
  double left = 46;
  double top = kTop, height = kHeight, right = kWidth - kRight;
  Unit along = Unit::kRounds;
  double to_x(double value) const {
    return left + (value - x.low) / (x.high - x.low) * (right - left);
  }
  double floor() const { return height - kBottom; }
  double to_y(double value) const {
    return floor() - (value - y.low) / (y.high - y.low) * (floor() - top);
  }
};

struct Bounds {
  double x_low = std::numeric_limits<double>::infinity(), x_high = -x_low;
  double y_low = x_low, y_high = -x_low;
  bool any = false;
};

Bounds bounds_of(const std::vector<ChartSeries>& series) {
  Bounds b;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& one : series) {
    for (const auto& point : one.points) {
      b.x_low = std::min(b.x_low, point.x);
      b.x_high = std::max(b.x_high, point.x);
      if (!std::isfinite(point.y)) continue;
      b.any = true;
      least = std::min(least, point.y);
      b.y_low = std::min(b.y_low, point.y - point.spread);
      b.y_high = std::max(b.y_high, point.y + point.spread);
    }
  }
  // A band of deviations does not make room for values that none of its lines can take.
  if (least >= 0) b.y_low = std::max(b.y_low, 0.0);
  return b;
}

Frame frame_of(const LineChart& chart, const Bounds& bounds) {
  Frame frame;
  double low = bounds.y_low;
  double high = bounds.y_high;
  if (chart.from_zero) {
    low = std::min(0.0, low);
    if (high <= 0) high = 1;
  }
  // A flat line must not widen a share beyond its ends.
  if (chart.ceiling && low == high) {
    low = std::max(0.0, low - 0.1);
    high = std::min(*chart.ceiling, high + 0.1);
  }
  frame.y = nice_axis(low, high, 4);
  if (chart.ceiling && frame.y.high > *chart.ceiling) frame.y.high = *chart.ceiling;
  auto& ticks = frame.y.ticks;
  while (ticks.size() > 1 && ticks.back() > frame.y.high * (1 + 1e-9)) ticks.pop_back();
  frame.along = chart.along;
  if (chart.along == Unit::kBytes) frame.right = kWidth - kRightOfBytes;
  frame.x = chart.along == Unit::kRounds ? round_axis(bounds.x_low, bounds.x_high, 8)
                                         : nice_axis(bounds.x_low, bounds.x_high, 6);
  size_t widest = 0;
  for (double tick : ticks)
    widest = std::max(widest, shown_width(tick_label(tick, frame.y, chart.unit)));
  frame.left = 14 + 6.6 * static_cast<double>(widest);
  return frame;
}

std::string draw_axes(const Frame& frame, Unit unit) {
  std::string out = "<g class=\"axis\">";
  const auto left = fixed(frame.left, 1), right = fixed(frame.right, 1);
  for (double tick : frame.y.ticks) {
    const auto y = fixed(frame.to_y(tick), 1);
    out += "<path class=\"rule\" d=\"M" + left + " " + y + "H" + right + "\"/>";
    out += "<text class=\"end\" x=\"" + fixed(frame.left - 7, 1) + "\" y=\"" +
           fixed(frame.to_y(tick) + 4, 1) + "\">" + tick_label(tick, frame.y, unit) + "</text>";
  }
  const double floor = frame.floor();
  out += "<path class=\"base\" d=\"M" + left + " " + fixed(floor, 1) + "H" + right + "\"/>";
  for (double tick : frame.x.ticks) {
    out += "<text class=\"mid\" x=\"" + fixed(frame.to_x(tick), 1) + "\" y=\"" +
           fixed(floor + 16, 1) + "\">" + tick_label(tick, frame.x, frame.along) + "</text>";
  }
  out += "<text class=\"mid\" x=\"" + fixed((frame.left + frame.right) / 2, 1) + "\" y=\"" +
         fixed(frame.height - 3, 1) + "\">" +
         (frame.along == Unit::kRounds ? "round" : "traffic, both ways") + "</text></g>";
  return out;
}

// One area for each stretch without a gap.
std::string draw_band(const Frame& frame, const std::vector<ChartPoint>& points, size_t index) {
  std::string out, above, below;
  const auto end_area = [&] {
    if (!above.empty())
      out += "<path class=\"band " + look_of(index) + "\" d=\"M" + above + below + "Z\"/>";
    above.clear(), below.clear();
  };
  for (const auto& point : points) {
    if (!std::isfinite(point.y)) {
      end_area();
      continue;
    }
    const double x = frame.to_x(point.x);
    const auto at = [&](double y) {
      return xy(x, frame.to_y(std::clamp(y, frame.y.low, frame.y.high)));
    };
    above += (above.empty() ? "" : "L") + at(point.y + point.spread);
    below = "L" + at(point.y - point.spread) + below;
  }
  end_area();
  return out;
}

std::string draw_line(const Frame& frame, const std::vector<ChartPoint>& points, size_t index) {
  const std::string color = " " + look_of(index);
  std::string path, dots;
  const bool few = points.size() <= kDotsUpTo;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!std::isfinite(points[i].y)) continue;
    const bool begins = i == 0 || !std::isfinite(points[i - 1].y);
    const bool ends = i + 1 == points.size() || !std::isfinite(points[i + 1].y);
    const double x = frame.to_x(points[i].x), y = frame.to_y(points[i].y);
    path += (begins ? "M" : "L") + xy(x, y);
    // A point between two gaps would be a line without length.
    if (few || (begins && ends)) {
      dots += "<circle class=\"dot" + color + "\" cx=\"" + fixed(x, 1) + "\" cy=\"" + fixed(y, 1) +
              "\" r=\"2.4\"/>";
    }
  }
  return "<path class=\"line" + color + "\" d=\"" + path + "\"/>" + dots;
}

struct LegendEntry {
  std::string label;
  double x = 0, row = 0;
};

// As many rows as the labels need; none for a single line.
std::vector<LegendEntry> legend_of(const std::vector<ChartSeries>& series, double left) {
  std::vector<LegendEntry> entries;
  if (series.size() < 2) return entries;
  double x = left, row = 0;
  for (const auto& one : series) {
    auto label = shortened(one.label, kLongestLabel);
    const double width = 40 + 7 * static_cast<double>(shown_width(label));
    if (x > left && x + width - 18 > kWidth - kRight) x = left, ++row;
    entries.push_back({std::move(label), x, row});
    x += width;
  }
  return entries;
}

std::string draw_legend(const std::vector<LegendEntry>& entries) {
  std::string out;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [label, x, row] = entries[i];
    out += "<g class=\"legend\"><path class=\"line " + look_of(i) + "\" d=\"M" +
           xy(x, 11 + kLegendRow * row) + "h16\"/><text x=\"" + fixed(x + 22, 1) + "\" y=\"" +
           fixed(15 + kLegendRow * row, 0) + "\">" + escape_html(label) + "</text></g>";
  }
  return out;
}

std::string value_text(double value, Unit unit) {
  if (unit == Unit::kPercent) return percent(value);
  if (unit == Unit::kBytes) return human_bytes(value);
  if (unit == Unit::kSeconds) return human_seconds(value);
  return compact(value, 5);
}

// Invisible strips over the plot; the one under the pointer shows its values (by the page's style)
// and carries them as a title.
std::string draw_stops(const Frame& frame, const LineChart& chart) {
  std::map<double, std::vector<std::pair<size_t, double>>> at;  // x: series, value
  for (size_t s = 0; s < chart.series.size(); ++s) {
    for (const auto& point : chart.series[s].points) {
      if (std::isfinite(point.y)) at[point.x].emplace_back(s, point.y);
    }
  }
  const size_t every = (at.size() + kMostStops - 1) / kMostStops;
  std::vector<decltype(at)::const_iterator> stops;
  size_t i = 0;
  for (auto stop = at.begin(); stop != at.end(); ++stop, ++i) {
    if (i % every == 0 || i + 1 == at.size()) stops.push_back(stop);
  }
  const double top = frame.top - 4, floor = frame.floor();
  const bool few = chart.series.size() <= 2;  // their values fit in the line above the plot
  std::string out = "<g class=\"stops\">";
  for (size_t k = 0; k < stops.size(); ++k) {
    const double x = frame.to_x(stops[k]->first);
    const double from = k == 0 ? frame.left : (frame.to_x(stops[k - 1]->first) + x) / 2;
    const double to =
        k + 1 == stops.size() ? frame.right + 6 : (frame.to_x(stops[k + 1]->first) + x) / 2;
    std::string words = chart.along == Unit::kRounds ? "round " + fixed(stops[k]->first, 0)
                                                     : value_text(stops[k]->first, chart.along);
    std::string dots;
    for (const auto& [series, value] : stops[k]->second) {
      words += few ? " · " : "\n";
      if (chart.series.size() > 1) words += chart.series[series].label + " ";
      words += value_text(value, chart.unit);
      dots += "<circle class=\"" + look_of(series) + "\" cx=\"" + fixed(x, 1) + "\" cy=\"" +
              fixed(frame.to_y(value), 1) + "\" r=\"3.6\"/>";
    }
    const auto escaped = escape_html(words);
    out += "<g><rect x=\"" + fixed(from, 1) + "\" y=\"0\" width=\"" + fixed(to - from, 1) +
           "\" height=\"" + fixed(frame.height, 0) + "\"/><path d=\"M" + xy(x, top) + "V" +
           fixed(floor, 1) + "\"/>" + dots;
    if (few) {
      out += "<text class=\"end\" x=\"" + fixed(kWidth - kRight, 1) + "\" y=\"15\">" + escaped +
             "</text>";
    }
    out += "<title>" + escaped + "</title></g>";
  }
  return out + "</g>";
}

struct Drawing {
  std::string lines, stops;
  double height = 0;  // 0: there is nothing to draw
};

Drawing draw_inside(const LineChart& chart) {
  ATOLL_CHECK(chart.series.size() <= kMostSeries, "more lines than can be told apart");
  const auto bounds = bounds_of(chart.series);
  if (!bounds.any) return {};
  auto frame = frame_of(chart, bounds);
  const auto legend = legend_of(chart.series, frame.left);
  const double more = legend.empty() ? 0 : kLegendRow * legend.back().row;
  frame.top += more;
  frame.height += more;
  Drawing drawing{draw_axes(frame, chart.unit), draw_stops(frame, chart), frame.height};
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const auto points = thinned(chart.series[i].points, kMostPoints);
    const bool band = std::any_of(points.begin(), points.end(),
                                  [](const ChartPoint& point) { return point.spread > 0; });
    if (band) drawing.lines += draw_band(frame, points, i);
    drawing.lines += draw_line(frame, points, i);
  }
  drawing.lines += draw_legend(legend);
  return drawing;
}

}  // namespace

std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points, size_t limit) {
  if (points.size() <= limit) return points;
  // Each stretch gives at most three points: least, greatest, gap.
  const size_t stretches = std::max<size_t>(1, limit / 2);
  std::vector<ChartPoint> out;
  for (size_t k = 0; k < stretches; ++k) {
    const size_t from = k * points.size() / stretches, to = (k + 1) * points.size() / stretches;
    size_t least = to, most = to, gap = to;
    for (size_t i = from; i < to; ++i) {
      if (!std::isfinite(points[i].y)) {
        gap = i;
        continue;
      }
      if (least == to || points[i].y < points[least].y) least = i;
      if (most == to || points[i].y > points[most].y) most = i;
    }
    std::vector<size_t> kept;
    for (size_t i : {least, most, gap}) {
      if (i < to) kept.push_back(i);
    }
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (size_t i : kept) out.push_back(points[i]);
  }
  // The line ends where the run ended.
  if (out.back().x < points.back().x) out.push_back(points.back());
  return out;
}

std::string draw(const LineChart& chart) {
  const auto drawing = draw_inside(chart);
  if (drawing.height == 0) return "<p class=\"none\">nothing was recorded</p>";
  return "<svg class=\"chart\" viewBox=\"0 0 " + fixed(kWidth, 0) + " " + fixed(drawing.height, 0) +
         "\" role=\"img\" aria-label=\"" + escape_html(chart.label) + "\">" + drawing.lines +
         drawing.stops + "</svg>";
}

std::string draw_alone(const LineChart& chart) {
  const auto drawing = draw_inside(chart);
  if (drawing.height == 0) return "";
  const auto width = fixed(kWidth, 0), height = fixed(drawing.height, 0);
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
         "width=\"" +
         width + "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height +
         "\">\n<title>" + escape_html(chart.label) + "</title>\n<style>\n" + drawing_style() +
         "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" + drawing.lines +
         "\n</svg>\n";
}

std::string draw_spark(const std::vector<ChartPoint>& points) {
  constexpr double width = 84, height = 20, margin = 2;
  const auto few = thinned(points, 60);
  const auto b = bounds_of({{"", few}});
  if (few.size() < 2 || !b.any || b.x_high <= b.x_low) return "";
  const double span = b.y_high - b.y_low;
  std::string path;
  bool pen_up = true;
  for (const auto& point : few) {
    if (!std::isfinite(point.y)) {
      pen_up = true;
      continue;
    }
    const double x = margin + (point.x - b.x_low) / (b.x_high - b.x_low) * (width - 2 * margin);
    const double share = span > 0 ? (point.y - b.y_low) / span : 0.5;
    path += (pen_up ? "M" : "L") + xy(x, height - margin - share * (height - 2 * margin));
    pen_up = false;
  }
  return "<svg class=\"spark\" viewBox=\"0 0 84 20\" aria-hidden=\"true\"><path class=\"line c0\" "
         "d=\"" +
         path + "\"/></svg>";
}

}  // namespace atl::workbench
