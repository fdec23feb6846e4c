#include "experiments/report/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "common/core/check.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

// In the units of the viewBox, which are about pixels on a wide screen.
constexpr double kWidth = 460, kHeight = 236;
constexpr double kTop = 26, kBottom = 34, kRight = 12;
constexpr size_t kMostPoints = 400;
constexpr size_t kMostStops = 100;  // places along x where the pointer finds a readout
constexpr size_t kDotsUpTo = 30;    // a line of few points shows them

std::string xy(double x, double y) { return fixed(x, 1) + " " + fixed(y, 1); }

struct Frame {
  Axis x, y;
  double left = 46;
  double to_x(double value) const {
    return left + (value - x.low) / (x.high - x.low) * (kWidth - left - kRight);
  }
  double to_y(double value) const {
    return kHeight - kBottom - (value - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
  }
};

struct Bounds {
  double x_low = std::numeric_limits<double>::infinity(), x_high = -x_low;
  double y_low = x_low, y_high = -x_low;
  bool any = false;
};

Bounds bounds_of(const std::vector<ChartSeries>& series) {
  Bounds b;
  for (const auto& one : series) {
    for (const auto& point : one.points) {
      b.x_low = std::min(b.x_low, point.x);
      b.x_high = std::max(b.x_high, point.x);
      if (!std::isfinite(point.y)) continue;
      b.any = true;
      b.y_low = std::min(b.y_low, point.y);
      b.y_high = std::max(b.y_high, point.y);
    }
  }
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
  frame.x = round_axis(bounds.x_low, bounds.x_high, 8);
  size_t widest = 0;
  for (double tick : ticks)
    widest = std::max(widest, shown_width(tick_label(tick, frame.y, chart.unit)));
  frame.left = 14 + 6.6 * static_cast<double>(widest);
  return frame;
}

std::string draw_axes(const Frame& frame, Unit unit) {
  std::string out = "<g class=\"axis\">";
  const auto left = fixed(frame.left, 1), right = fixed(kWidth - kRight, 1);
  for (double tick : frame.y.ticks) {
    const auto y = fixed(frame.to_y(tick), 1);
    out += "<path class=\"rule\" d=\"M" + left + " " + y + "H" + right + "\"/>";
    out += "<text class=\"end\" x=\"" + fixed(frame.left - 7, 1) + "\" y=\"" +
           fixed(frame.to_y(tick) + 4, 1) + "\">" + tick_label(tick, frame.y, unit) + "</text>";
  }
  const double floor = kHeight - kBottom;
  out += "<path class=\"base\" d=\"M" + left + " " + fixed(floor, 1) + "H" + right + "\"/>";
  for (double tick : frame.x.ticks) {
    out += "<text class=\"mid\" x=\"" + fixed(frame.to_x(tick), 1) + "\" y=\"" +
           fixed(floor + 16, 1) + "\">" + tick_label(tick, frame.x, Unit::kRounds) + "</text>";
  }
  out += "<text class=\"mid\" x=\"" + fixed((frame.left + kWidth - kRight) / 2, 1) + "\" y=\"" +
         fixed(kHeight - 3, 1) + "\">round</text></g>";
  return out;
}

std::string draw_line(const Frame& frame, const std::vector<ChartPoint>& points, size_t index) {
  const std::string color = " c" + std::to_string(index);
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

std::string draw_legend(const std::vector<ChartSeries>& series, double left) {
  std::string out;
  double x = left;
  for (size_t i = 0; i < series.size(); ++i) {
    out += "<g class=\"legend\"><path class=\"line c" + std::to_string(i) + "\" d=\"M" + xy(x, 11) +
           "h16\"/><text x=\"" + fixed(x + 22, 1) + "\" y=\"15\">" + escape_html(series[i].label) +
           "</text></g>";
    x += 40 + 7 * static_cast<double>(shown_width(series[i].label));
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
  const double top = kTop - 4, floor = kHeight - kBottom;
  std::string out = "<g class=\"stops\">";
  for (size_t k = 0; k < stops.size(); ++k) {
    const double x = frame.to_x(stops[k]->first);
    const double from = k == 0 ? frame.left : (frame.to_x(stops[k - 1]->first) + x) / 2;
    const double to =
        k + 1 == stops.size() ? kWidth - kRight + 6 : (frame.to_x(stops[k + 1]->first) + x) / 2;
    std::string words = "round " + fixed(stops[k]->first, 0), dots;
    for (const auto& [series, value] : stops[k]->second) {
      words += chart.series.size() > 1 ? " · " + chart.series[series].label + " " : " · ";
      words += value_text(value, chart.unit);
      dots += "<circle class=\"c" + std::to_string(series) + "\" cx=\"" + fixed(x, 1) + "\" cy=\"" +
              fixed(frame.to_y(value), 1) + "\" r=\"3.6\"/>";
    }
    const auto escaped = escape_html(words);
    out += "<g><rect x=\"" + fixed(from, 1) + "\" y=\"0\" width=\"" + fixed(to - from, 1) +
           "\" height=\"" + fixed(kHeight, 0) + "\"/><path d=\"M" + xy(x, top) + "V" +
           fixed(floor, 1) + "\"/>" + dots + "<text class=\"end\" x=\"" +
           fixed(kWidth - kRight, 1) + "\" y=\"15\">" + escaped + "</text><title>" + escaped +
           "</title></g>";
  }
  return out + "</g>";
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
  ATOLL_CHECK(chart.series.size() <= 4, "the page has four colours");
  const auto bounds = bounds_of(chart.series);
  if (!bounds.any) return "<p class=\"none\">nothing was recorded</p>";
  const auto frame = frame_of(chart, bounds);
  std::string out = "<svg class=\"chart\" viewBox=\"0 0 " + fixed(kWidth, 0) + " " +
                    fixed(kHeight, 0) + "\" role=\"img\" aria-label=\"" + escape_html(chart.label) +
                    "\">";
  out += draw_axes(frame, chart.unit);
  for (size_t i = 0; i < chart.series.size(); ++i)
    out += draw_line(frame, thinned(chart.series[i].points, kMostPoints), i);
  if (chart.series.size() > 1) out += draw_legend(chart.series, frame.left);
  return out + draw_stops(frame, chart) + "</svg>";
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
