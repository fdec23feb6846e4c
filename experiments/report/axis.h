// Where an axis begins and ends and which values stand at it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace atl::workbench {

// What the numbers along an axis are.
enum class Unit { kNumber, kPercent, kBytes, kSeconds, kRounds };

struct Axis {
  double low = 0, high = 1;   // low < high; both are ticks, but on an axis of rounds
  std::vector<double> ticks;  // ascending, steps of 1, 2, 2.5 or 5 times a power of ten
  double step = 1;
};

// An axis with about `wanted` ticks that holds [low, high]. Equal ends and ends that are not finite
// are widened to something that can be drawn.
Axis nice_axis(double low, double high, size_t wanted);
// Whole numbers only, from `low` to `high` exactly.
Axis round_axis(double low, double high, size_t wanted);

// A tick as text, with as many decimals as the step needs: "0.25", "80 %", "12 MB", "1.5 s".
std::string tick_label(double value, const Axis& axis, Unit unit);

}  // namespace atl::workbench
