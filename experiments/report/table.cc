#include "experiments/report/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/core/check.h"
#include "experiments/report/fields.h"

namespace atl::workbench {
namespace {

std::string csv(const Field& field) {
  if (const auto* text = std::get_if<std::string>(&field)) return csv_field(*text);
  const double value = std::get<double>(field);
  if (std::isnan(value)) return "";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  return {buffer, end};
}

}  // namespace

void Table::add(std::vector<Field> row) {
  ATOLL_CHECK(row.size() == columns.size(), "a row has a field for every column");
  rows.push_back(std::move(row));
}

size_t Table::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  ATOLL_CHECK(found != columns.end(), "no column " + std::string(name));
  return static_cast<size_t>(found - columns.begin());
}

double Table::number(size_t row, std::string_view name) const {
  return std::get<double>(rows[row][column(name)]);
}

const std::string& Table::text(size_t row, std::string_view name) const {
  return std::get<std::string>(rows[row][column(name)]);
}

std::vector<double> Table::numbers(std::string_view name) const {
  std::vector<double> out;
  const size_t at = column(name);
  for (const auto& row : rows) {
    const double value = std::get<double>(row[at]);
    if (!std::isnan(value)) out.push_back(value);
  }
  return out;
}

std::string csv_header(const Table& table, std::string_view first) {
  std::string out(first);
  for (const auto& column : table.columns) out += (out.empty() ? "" : ",") + csv_field(column);
  return out + "\n";
}

std::string csv_rows(const Table& table, std::string_view first) {
  std::string out;
  for (const auto& row : table.rows) {
    std::string line = csv_field(first);
    bool begun = !first.empty();
    for (const auto& field : row) {
      if (begun) line += ',';
      begun = true;
      line += csv(field);
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace atl::workbench
