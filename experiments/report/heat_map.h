// A table whose cells are coloured by their value: one colour above zero, another below, the deeper
// the further away. The numbers stand in it, so that nothing is told by colour alone.
#pragma once

#include <string>
#include <vector>

namespace atl::workbench {

struct HeatCell {
  double value = 0;    // not finite: an empty cell
  std::string title;   // shown at the pointer
  bool strong = true;  // false: faint, for a value that may be nothing
};

struct HeatMap {
  std::string corner;  // what rows and columns are
  std::vector<std::string> columns, rows;
  std::vector<std::vector<HeatCell>> cells;  // [row][column]
  double full = 10;                          // the value of the deepest colour
  int decimals = 1;
};

// A <table>.
std::string draw(const HeatMap& map);

}  // namespace atl::workbench
