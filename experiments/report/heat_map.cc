#include "experiments/report/heat_map.h"

#include <algorithm>
#include <cmath>

#include "common/core/check.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

constexpr double kSteps = 10;  // the style has so many depths of each colour

std::string draw_cell(const HeatCell& cell, const HeatMap& map) {
  if (!std::isfinite(cell.value)) return "<td></td>";
  const double depth = std::min(kSteps, std::ceil(kSteps * std::abs(cell.value) / map.full));
  std::string classes;
  if (depth >= 1) classes = (cell.value > 0 ? "h" : "n") + fixed(depth, 0);
  auto text = (cell.value > 0 ? "+" : "") + fixed(cell.value, map.decimals);
  if (!cell.strong) text = "<i>" + text + "</i>";
  return "<td" + (classes.empty() ? "" : " class=\"" + classes + "\"") + " title=\"" +
         escape_html(cell.title) + "\">" + text + "</td>";
}

}  // namespace

std::string draw(const HeatMap& map) {
  ATOLL_CHECK(map.cells.size() == map.rows.size(), "a row of cells for every row");
  std::string out = "<div class=\"scroll\"><table class=\"heat\"><thead><tr><th>" +
                    escape_html(map.corner) + "</th>";
  for (const auto& column : map.columns) out += "<th>" + escape_html(column) + "</th>";
  out += "</tr></thead><tbody>";
  for (size_t r = 0; r < map.rows.size(); ++r) {
    ATOLL_CHECK(map.cells[r].size() == map.columns.size(), "a cell for every column");
    out += "<tr><th>" + escape_html(map.rows[r]) + "</th>";
    for (const auto& cell : map.cells[r]) out += draw_cell(cell, map);
    out += "</tr>";
  }
  return out + "</tbody></table></div>";
}

}  // namespace atl::workbench
