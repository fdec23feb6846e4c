// A CSV file as rows of text cells: the layer below csv.h, which gives the cells their meaning.
//
// Rows end with LF or CRLF; a cell may be quoted ("" inside is one quote; line ends and delimiters
// inside are text); spaces around a cell are dropped; empty lines, a byte-order mark and comment
// lines are skipped. Every row has as many cells as the first. Errors name file and line.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

struct CsvFormat {
  char delimiter = ',';            // , or ;
  bool header = true;              // the first row names the columns
  std::vector<std::string> names;  // the columns' names, where there is no header
  char comment = 0;                // lines that begin with it are skipped; 0: none
};

// Move-only; cells are views into the table's own text.
class CsvTable {
 public:
  static Result<CsvTable> parse(ByteView text, const std::string& name, const CsvFormat& format);
  CsvTable(CsvTable&&) = default;
  CsvTable& operator=(CsvTable&&) = default;

  const std::string& name() const { return name_; }
  // From the header, the format, or "0", "1", ...
  const std::vector<std::string>& column_names() const { return names_; }
  size_t columns() const { return names_.size(); }
  size_t rows() const { return lines_.size(); }
  std::string_view cell(size_t row, size_t column) const {
    return cells_[row * columns() + column];
  }
  uint32_t line(size_t row) const { return lines_[row]; }  // 1-based line of the file

  // A column by its name, or by its index, counted from the end where negative ("-1": the last).
  Result<size_t> find(const std::string& column) const;
  // kData: "FILE:LINE: column "x": WHY".
  Error bad_cell(size_t row, size_t column, const std::string& why) const;

 private:
  CsvTable() = default;
  Status split(const CsvFormat& format);
  Status split_row(size_t& at, uint32_t& line, char delimiter, std::vector<std::string_view>& row);
  Result<std::string_view> quoted_cell(size_t& at, uint32_t& line);
  Status name_columns(const std::vector<std::string_view>& first, const CsvFormat& format);
  Error bad_line(uint32_t line, const std::string& why) const;

  std::string name_;
  std::vector<char> text_;
  std::deque<std::string> unescaped_;  // cells that had doubled quotes
  std::vector<std::string> names_;
  std::vector<std::string_view> cells_;
  std::vector<uint32_t> lines_;
};

}  // namespace atl::data
