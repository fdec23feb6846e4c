#include "client/data/csv_table.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace atl::data {
namespace {

constexpr size_t kMaxColumns = 65536;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

Error CsvTable::bad_line(uint32_t line, const std::string& why) const {
  return Error(ErrorCode::kData, name_ + ":" + std::to_string(line) + ": " + why)
      .hint("look at that line, and at delimiter, header and comment in [data]");
}

Error CsvTable::bad_cell(size_t row, size_t column, const std::string& why) const {
  return Error(ErrorCode::kData, name_ + ":" + std::to_string(line(row)) + ": column \"" +
                                     names_[column] + "\": " + why);
}

// At the opening quote; leaves `at` behind the closing one.
Result<std::string_view> CsvTable::quoted_cell(size_t& at, uint32_t& line) {
  const uint32_t opened = line;
  const size_t begin = ++at;
  bool doubled = false;
  for (; at < text_.size(); ++at) {
    if (text_[at] == '\n') ++line;
    if (text_[at] != '"') continue;
    if (at + 1 < text_.size() && text_[at + 1] == '"') {
      doubled = true;
      ++at;
      continue;
    }
    std::string_view cell(text_.data() + begin, at - begin);
    ++at;
    if (!doubled) return cell;
    auto& plain = unescaped_.emplace_back();
    for (size_t i = 0; i < cell.size(); ++i) {
      plain += cell[i];
      if (cell[i] == '"') ++i;
    }
    return std::string_view(plain);
  }
  return bad_line(opened, "a quoted cell begins here and never ends");
}

// Reads one row and its line end.
Status CsvTable::split_row(size_t& at, uint32_t& line, char delimiter,
                           std::vector<std::string_view>& row) {
  const uint32_t first = line;
  for (;;) {
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
    if (at < text_.size() && text_[at] == '"') {
      ATOLL_ASSIGN(const auto cell, quoted_cell(at, line));
      row.push_back(cell);
      while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t' || text_[at] == '\r'))
        ++at;
      if (at < text_.size() && text_[at] != delimiter && text_[at] != '\n')
        return bad_line(line, "text follows a closing quote");
    } else {
      const size_t begin = at;
      while (at < text_.size() && text_[at] != delimiter && text_[at] != '\n') ++at;
      std::string_view cell(text_.data() + begin, at - begin);
      if (!cell.empty() && cell.back() == '\r') cell.remove_suffix(1);
      row.push_back(trim(cell));
    }
    if (row.size() > kMaxColumns)
      return bad_line(first, "has more than " + std::to_string(kMaxColumns) + " cells");
    if (at >= text_.size()) return {};
    if (text_[at++] == '\n') return ++line, Status();
  }
}

Status CsvTable::name_columns(const std::vector<std::string_view>& first, const CsvFormat& format) {
  if (format.header) {
    names_.assign(first.begin(), first.end());
  } else if (!format.names.empty()) {
    if (format.names.size() != first.size())
      return bad_line(lines_.empty() ? 1 : lines_.front(),
                      "has " + std::to_string(first.size()) + " cells, but " +
                          std::to_string(format.names.size()) + " columns are wanted");
    names_ = format.names;
  } else {
    for (size_t i = 0; i < first.size(); ++i) names_.push_back(std::to_string(i));
  }
  std::set<std::string> seen;
  for (const auto& name : names_) {
    if (!seen.insert(name).second)
      return Error(ErrorCode::kData, name_ + ": two columns are named \"" + name + "\"")
          .hint("rename one, or set header = false in [data] if the first row is data");
  }
  return {};
}

Status CsvTable::split(const CsvFormat& format) {
  if (format.delimiter == '"' || format.delimiter == '\n' || format.delimiter == '\r')
    return Error(ErrorCode::kConfig, "a quote or a line end cannot be the delimiter");
  size_t at = 0;
  uint32_t line = 1;
  if (std::string_view(text_.data(), text_.size()).starts_with(kByteOrderMark))
    at = kByteOrderMark.size();
  bool header_pending = format.header;
  std::vector<std::string_view> row;
  while (at < text_.size()) {
    if (format.comment != 0 && text_[at] == format.comment) {
      while (at < text_.size() && text_[at] != '\n') ++at;
      at = std::min(at + 1, text_.size());
      ++line;
      continue;
    }
    const uint32_t first = line;
    row.clear();
    ATOLL_TRY(split_row(at, line, format.delimiter, row));
    if (row.size() == 1 && row[0].empty()) continue;  // an empty line
    if (names_.empty()) {
      ATOLL_TRY(name_columns(row, format));
      if (std::exchange(header_pending, false)) continue;
    }
    if (row.size() != names_.size())
      return bad_line(first, "has " + std::to_string(row.size()) + " cells; the first row has " +
                                 std::to_string(names_.size()));
    cells_.insert(cells_.end(), row.begin(), row.end());
    lines_.push_back(first);
  }
  if (lines_.empty())
    return Error(ErrorCode::kData, name_ + ": has no rows of data").hint("head " + name_);
  return {};
}

Result<CsvTable> CsvTable::parse(ByteView text, const std::string& name, const CsvFormat& format) {
  CsvTable table;
  table.name_ = name;
  const auto characters = as_text(text);
  table.text_.assign(characters.begin(), characters.end());
  if (characters.find('\0') != std::string_view::npos)
    return Error(ErrorCode::kData, name + ": is not text: it holds a zero byte")
        .hint("file " + name);
  ATOLL_TRY(table.split(format));
  return table;
}

Result<size_t> CsvTable::find(const std::string& column) const {
  const auto named = std::find(names_.begin(), names_.end(), column);
  if (named != names_.end()) return static_cast<size_t>(named - names_.begin());
  int64_t index = 0;
  const auto* end = column.data() + column.size();
  if (const auto parsed = std::from_chars(column.data(), end, index);
      parsed.ec == std::errc() && parsed.ptr == end) {
    if (index < 0) index += static_cast<int64_t>(columns());
    if (index >= 0 && index < static_cast<int64_t>(columns())) return static_cast<size_t>(index);
  }
  std::string known;
  for (size_t i = 0; i < std::min<size_t>(columns(), 40); ++i)
    known += (i == 0 ? "" : ", ") + names_[i];
  return Error(ErrorCode::kData, name_ + ": has no column \"" + column + "\"")
      .hint("its columns are: " + known + (columns() > 40 ? ", ..." : ""));
}

}  // namespace atl::data
