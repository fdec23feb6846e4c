// A small table of texts and numbers with named columns: what a CSV file is, in memory and on disk.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace atl::workbench {

using Field = std::variant<std::string, double>;  // NaN: empty

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Field>> rows;

  // A row has as many fields as there are columns.
  void add(std::vector<Field> row);
  size_t column(std::string_view name) const;  // aborts when there is none
  double number(size_t row, std::string_view column) const;
  const std::string& text(size_t row, std::string_view column) const;
  // NaNs left out.
  std::vector<double> numbers(std::string_view column) const;
};

// Numbers in their shortest form that reads back the same; texts with commas or quotes are quoted
// (RFC 4180). `first`: a column before the others, with the same value in every row; empty name:
// none.
std::string csv_header(const Table& table, std::string_view first = {});
std::string csv_rows(const Table& table, std::string_view first = {});

}  // namespace atl::workbench
