#include "experiments/report/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

double nice_step(double span, size_t wanted, bool whole) {
  const double rough = span / static_cast<double>(std::max<size_t>(1, wanted));
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power * 10;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  if (!whole) return step;
  if (step < 1) return 1;
  return step == std::floor(step) ? step : 5;  // 2.5
}

int decimals_of(double step) {
  for (int decimals = 0; decimals < 12; ++decimals) {
    const double scaled = step * std::pow(10, decimals);
    if (std::abs(scaled - std::round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 12;
}

void widen_if_empty(double& low, double& high) {
  if (!std::isfinite(low) || !std::isfinite(high)) low = 0, high = 1;
  if (low > high) std::swap(low, high);
  // Values beyond this have no use on an axis, and their difference overflows.
  low = std::clamp(low, -1e300, 1e300);
  high = std::clamp(high, -1e300, 1e300);
  const double least = std::max(std::abs(low), std::abs(high)) * 1e-9;
  if (high - low > least) return;
  const double room = low == 0 ? 1 : std::abs(low) * 0.1;
  low -= room;
  high += room;
}

}  // namespace

Axis nice_axis(double low, double high, size_t wanted) {
  widen_if_empty(low, high);
  Axis axis;
  axis.step = nice_step(high - low, wanted, false);
  const auto first = std::llround(std::floor(low / axis.step + 1e-9));
  const auto last = std::llround(std::ceil(high / axis.step - 1e-9));
  for (auto i = first; i <= last; ++i) axis.ticks.push_back(static_cast<double>(i) * axis.step);
  axis.low = axis.ticks.front();
  axis.high = axis.ticks.back();
  return axis;
}

Axis round_axis(double low, double high, size_t wanted) {
  Axis axis;
  axis.low = low;
  axis.high = high;
  if (low >= high) {
    axis.ticks = {low};
    axis.low = low - 1;
    axis.high = low + 1;
    return axis;
  }
  axis.step = nice_step(high - low, wanted, true);
  for (double i = std::ceil(low / axis.step); i * axis.step <= high; ++i)
    axis.ticks.push_back(i * axis.step);
  // Rounds begin at 1, which no nice step meets.
  if (axis.ticks.empty() || axis.ticks.front() - low >= axis.step / 2)
    axis.ticks.insert(axis.ticks.begin(), low);
  return axis;
}

std::string tick_label(double value, const Axis& axis, Unit unit) {
  double scale = 1;
  const char* name = "";
  const double most = std::max(std::abs(axis.low), std::abs(axis.high));
  if (unit == Unit::kPercent) {
    scale = 100;
    name = " %";
  } else if (unit == Unit::kSeconds) {
    name = " s";
  } else if (unit == Unit::kBytes) {
    const char* const names[] = {" B", " kB", " MB", " GB", " TB"};
    size_t i = 0;
    scale = 1;
    for (double rest = most; rest >= 1000 && i + 1 < std::size(names); rest /= 1000, ++i)
      scale /= 1000;
    name = names[i];
  }
  const double shown = value * scale;
  if (std::abs(shown) < axis.step * scale * 1e-6) return std::string("0") + name;
  const bool plain = most * scale < 1e6 && axis.step * scale >= 1e-5;
  if (!plain) return compact(shown, 3) + name;
  return fixed(shown, decimals_of(axis.step * scale)) + name;
}

}  // namespace atl::workbench
