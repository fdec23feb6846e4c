#include "client/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "client/data/compressed.h"

namespace atl::data {
namespace {

constexpr size_t kMaxValuesOfColumn = 1000;
constexpr uint64_t kMaxFloats = uint64_t{1} << 30;

// Rows of a table: the training part or the test part.
struct Part {
  const CsvTable* table = nullptr;
  std::vector<uint32_t> rows;
};

enum class Use { kLabel, kDropped, kGroup, kNumeric, kCategorical };

std::optional<double> to_number(std::string_view cell) {
  if (!cell.empty() && cell.front() == '+') cell.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != cell.data() + cell.size()) return std::nullopt;
  return value;
}

class Encoder {
 public:
  // The test part may lack the label's column where `may_lack_label`.
  Encoder(const Part& train, const Part& test, const CsvOptions& options,
          bool may_lack_label = false)
      : train_(train), test_(test), options_(options), may_lack_label_(may_lack_label) {}

  bool lacks_label() const { return lacks_label_; }

  Result<DataSplits> run() {
    ATOLL_TRY(decide_uses());
    auto train = std::make_shared<Dataset>(), test = std::make_shared<Dataset>();
    train->name = train_.table->name();
    test->name = test_.table->name();
    ATOLL_TRY(find_classes());
    ATOLL_TRY(fill_labels(train_, *train));
    ATOLL_TRY(fill_labels(test_, *test));
    ATOLL_TRY(find_values());
    const uint64_t rows = std::max(train->size(), test->size());
    if (features_ == 0) return bad_file(train->name, "has no column left to learn from");
    if (rows * features_ > kMaxFloats)
      return Error(ErrorCode::kData, train->name + ": " + std::to_string(rows) + " rows of " +
                                         std::to_string(features_) + " features are too many")
          .hint("name columns to leave out: drop = [\"...\"] in [data]");
    ATOLL_TRY(fill_features(*train, *test));
    return DataSplits{train, test};
  }

 private:
  bool missing(std::string_view cell) const { return cell.empty() || cell == options_.missing; }
  // Where a column of the training part stands in this part.
  size_t place(const Part& part, size_t column) const {
    return &part == &test_ && lacks_label_ && column > label_ ? column - 1 : column;
  }
  std::string_view cell(const Part& part, size_t row, size_t column) const {
    return part.table->cell(row, place(part, column));
  }
  Error bad_cell(const Part& part, size_t row, size_t column, const std::string& why) const {
    return part.table->bad_cell(row, place(part, column), why);
  }
  // A categorical cell; the two ways of being missing are one value.
  std::string_view value(const Part& part, size_t row, size_t column) const {
    const auto text = cell(part, row, column);
    return text.empty() ? std::string_view(options_.missing) : text;
  }

  Status mark(const std::vector<std::string>& names, Use use) {
    for (const auto& name : names) {
      ATOLL_ASSIGN(const size_t column, train_.table->find(name));
      if (uses_[column] == Use::kLabel)
        return Error(ErrorCode::kConfig,
                     "the label \"" + name + "\" cannot be dropped, grouped or a feature");
      uses_[column] = use;
    }
    return {};
  }

  Status check_columns() {
    const auto& table = *train_.table;
    auto wanted = table.column_names();
    if (may_lack_label_ && test_.table->columns() + 1 == table.columns()) {
      lacks_label_ = true;
      wanted.erase(wanted.begin() + static_cast<ptrdiff_t>(label_));
      if (!options_.format.header && options_.format.names.empty()) return {};
    }
    if (test_.table->columns() != wanted.size())
      return bad_file(test_.table->name(), "has " + std::to_string(test_.table->columns()) +
                                               " columns, but " + table.name() + " has " +
                                               std::to_string(table.columns()));
    if (test_.table->column_names() != wanted)
      return bad_file(test_.table->name(), "names its columns otherwise than " + table.name());
    return {};
  }

  Status decide_uses() {
    const auto& table = *train_.table;
    ATOLL_ASSIGN(label_, table.find(options_.label));
    ATOLL_TRY(check_columns());
    uses_.assign(table.columns(), Use::kCategorical);
    for (size_t column = 0; column < table.columns(); ++column) {
      for (const uint32_t row : train_.rows) {
        if (missing(table.cell(row, column))) continue;
        if (to_number(table.cell(row, column))) uses_[column] = Use::kNumeric;
        break;
      }
    }
    uses_[label_] = Use::kLabel;
    ATOLL_TRY(mark(options_.categorical, Use::kCategorical));
    ATOLL_TRY(mark(options_.group, Use::kGroup));
    return mark(options_.drop, Use::kDropped);
  }

  std::string_view label_text(const Part& part, size_t row) const {
    auto text = cell(part, row, label_);
    if (!options_.label_suffix.empty() && text.ends_with(options_.label_suffix))
      text.remove_suffix(options_.label_suffix.size());
    return text;
  }

  Status find_classes() {
    class_names_ = options_.classes;
    if (class_names_.empty()) {
      std::map<std::string_view, int> seen;
      for (const uint32_t row : train_.rows) seen[label_text(train_, row)];
      if (seen.size() > kMaxValuesOfColumn)
        return Error(ErrorCode::kData, train_.table->name() + ": the label \"" +
                                           train_.table->column_names()[label_] + "\" has " +
                                           std::to_string(seen.size()) + " values")
            .hint("choose another column: label = \"...\" in [data]");
      bool whole = true;
      for (const auto& [text, unused] : seen) {
        const auto number = to_number(text);
        whole = whole && number && *number == std::floor(*number);
        class_names_.emplace_back(text);
      }
      if (whole)
        std::stable_sort(
            class_names_.begin(), class_names_.end(),
            [](const auto& a, const auto& b) { return *to_number(a) < *to_number(b); });
    }
    for (const auto& name : class_names_)
      class_of_.emplace(name, static_cast<uint32_t>(class_of_.size()));
    return {};
  }

  Status fill_labels(const Part& part, Dataset& set) {
    set.classes = static_cast<uint32_t>(class_names_.size());
    set.class_names = class_names_;
    if (&part == &test_ && lacks_label_) {
      set.labels.assign(part.rows.size(), 0);
      return {};
    }
    set.labels.reserve(part.rows.size());
    for (const uint32_t row : part.rows) {
      const auto text = label_text(part, row);
      if (missing(text))
        return bad_cell(part, row, label_, "the label is missing")
            .hint("remove the row: an example without a label teaches nothing");
      const auto found = class_of_.find(text);
      if (found == class_of_.end())
        return bad_cell(part, row, label_, "the label \"" + std::string(text) + "\" is not known")
            .hint(options_.classes.empty() ? "the training part has no such label; list all of "
                                             "them: classes = [\"...\"] in [data]"
                                           : "add it to classes in [data]");
      set.labels.push_back(found->second);
    }
    return {};
  }

  // The values of each column that is not numeric, and the count of features.
  Status find_values() {
    const auto& table = *train_.table;
    values_.resize(table.columns());
    for (size_t column = 0; column < table.columns(); ++column) {
      if (uses_[column] == Use::kNumeric) ++features_;
      if (uses_[column] != Use::kCategorical && uses_[column] != Use::kGroup) continue;
      auto& values = values_[column];
      for (const uint32_t row : train_.rows) values[value(train_, row, column)] = true;
      const size_t in_train = values.size();
      for (const uint32_t row : test_.rows) values.try_emplace(value(test_, row, column), false);
      if (uses_[column] == Use::kGroup) continue;
      if (in_train > kMaxValuesOfColumn)
        return Error(ErrorCode::kData, table.name() + ": column \"" + table.column_names()[column] +
                                           "\" has " + std::to_string(in_train) +
                                           " different texts")
            .hint("drop = [\"" + table.column_names()[column] + "\"] in [data]");
      features_ += in_train;
    }
    return {};
  }

  Status fill_features(Dataset& train, Dataset& test) {
    train.values.assign(train.size() * features_, 0.0F);
    test.values.assign(test.size() * features_, 0.0F);
    train.shape = test.shape = {static_cast<int64_t>(features_)};
    size_t feature = 0;
    for (size_t column = 0; column < uses_.size(); ++column) {
      if (uses_[column] == Use::kNumeric) {
        ATOLL_TRY(fill_numeric(column, feature, train, test));
        ++feature;
      } else if (uses_[column] == Use::kCategorical || uses_[column] == Use::kGroup) {
        const bool one_hot = uses_[column] == Use::kCategorical;
        feature += fill_categorical(column, feature, one_hot, train, test);
      }
    }
    ATOLL_CHECK(feature == features_, "every feature has its column");
    return {};
  }

  Result<std::vector<double>> numbers(const Part& part, size_t column) const {
    std::vector<double> out;
    out.reserve(part.rows.size());
    for (const uint32_t row : part.rows) {
      const auto text = cell(part, row, column);
      if (missing(text)) {
        out.push_back(std::numeric_limits<double>::quiet_NaN());
        continue;
      }
      const auto number = to_number(text);
      const auto& name = train_.table->column_names()[column];
      if (!number)
        return bad_cell(part, row, column, "\"" + std::string(text) + "\" is not a number")
            .hint("categorical = [\"" + name + "\"] in [data] reads the column as names");
      if (!std::isfinite(static_cast<float>(*number)))
        return bad_cell(part, row, column, "\"" + std::string(text) + "\" is not finite")
            .hint("mend the row, or set missing = \"" + std::string(text) + "\" in [data]");
      out.push_back(*number);
    }
    return out;
  }

  Status fill_numeric(size_t column, size_t feature, Dataset& train, Dataset& test) {
    ATOLL_ASSIGN(const auto of_train, numbers(train_, column));
    ATOLL_ASSIGN(const auto of_test, numbers(test_, column));
    double sum = 0, squares = 0, count = 0;
    for (const double x : of_train) {
      if (std::isnan(x)) continue;
      sum += x;
      ++count;
    }
    const double mean = count > 0 ? sum / count : 0;
    for (const double x : of_train)
      if (!std::isnan(x)) squares += (x - mean) * (x - mean);
    const double deviation = count > 0 ? std::sqrt(squares / count) : 0;
    auto put = [&](const Part& part, const std::vector<double>& from, Dataset& set) -> Status {
      for (size_t i = 0; i < from.size(); ++i) {
        double x = std::isnan(from[i]) ? mean : from[i];
        if (options_.standardize) x = deviation > 0 ? (x - mean) / deviation : 0;
        const auto value = static_cast<float>(x);
        if (!std::isfinite(value))
          return bad_cell(part, part.rows[i], column,
                          "is too far from the training part's values to be standardised")
              .hint("mend the row, or set standardize = false in [data]");
        set.values[i * features_ + feature] = value;
      }
      return {};
    };
    ATOLL_TRY(put(train_, of_train, train));
    return put(test_, of_test, test);
  }

  // Returns how many features the column has.
  size_t fill_categorical(size_t column, size_t feature, bool one_hot, Dataset& train,
                          Dataset& test) {
    Column kept;
    kept.name = train_.table->column_names()[column];
    struct Place {
      uint32_t code;
      std::optional<size_t> feature;
    };
    std::map<std::string_view, Place> places;
    size_t used = 0;
    for (const auto& [text, in_train] : values_[column]) {
      Place place{static_cast<uint32_t>(kept.values.size()), std::nullopt};
      if (one_hot && in_train) place.feature = feature + used++;
      places.emplace(text, place);
      kept.values.emplace_back(text);
    }
    auto put = [&](const Part& part, Dataset& set) {
      Column mine = kept;
      for (size_t i = 0; i < part.rows.size(); ++i) {
        const Place& place = places.at(value(part, part.rows[i], column));
        mine.codes.push_back(place.code);
        if (place.feature) set.values[i * features_ + *place.feature] = 1;
      }
      set.columns.push_back(std::move(mine));
    };
    put(train_, train);
    put(test_, test);
    return used;
  }

  const Part& train_;
  const Part& test_;
  const CsvOptions& options_;
  std::vector<Use> uses_;  // per column
  bool may_lack_label_, lacks_label_ = false;
  size_t label_ = 0, features_ = 0;
  std::vector<std::string> class_names_;
  std::map<std::string, uint32_t, std::less<>> class_of_;
  std::vector<std::map<std::string_view, bool>> values_;  // per column; true: the training part's
};

// Every n-th row is test; 0: none is.
Status deal_rows(const CsvTable& table, uint32_t every, std::vector<uint32_t>& train,
                 std::vector<uint32_t>& test) {
  for (uint32_t row = 0; row < table.rows(); ++row)
    (every > 0 && row % every == every - 1 ? test : train).push_back(row);
  if (!train.empty()) return {};
  return Error(ErrorCode::kData, table.name() + ": no row is left for training")
      .hint("raise test_every in [data]; 0 keeps every row for training");
}

}  // namespace

Result<DataSplits> make_csv(ByteView train, const std::string& train_name, ByteView test,
                            const std::string& test_name, const CsvOptions& options) {
  ATOLL_ASSIGN(auto table, CsvTable::parse(train, train_name, options.format));
  Part of_train{&table, {}}, of_test{&table, {}};
  ATOLL_TRY(
      deal_rows(table, test_name.empty() ? options.test_every : 0, of_train.rows, of_test.rows));
  std::optional<CsvTable> other;
  if (!test_name.empty()) {
    ATOLL_ASSIGN(other, CsvTable::parse(test, test_name, options.format));
    of_test.table = &*other;
    for (uint32_t row = 0; row < other->rows(); ++row) of_test.rows.push_back(row);
  }
  return Encoder(of_train, of_test, options).run();
}

Result<DataSplits> read_csv(const std::string& train_path, const std::string& test_path,
                            const CsvOptions& options) {
  ATOLL_ASSIGN(auto train, read_content(train_path));
  Bytes test;
  if (!test_path.empty()) {
    ATOLL_ASSIGN(test, read_content(test_path));
  }
  return make_csv(train, train_path, test, test_path, options);
}

Result<CsvRows> read_csv_rows(const std::string& train_path, const std::string& rows_path,
                              const CsvOptions& options) {
  ATOLL_ASSIGN(const auto train_text, read_content(train_path));
  ATOLL_ASSIGN(const auto rows_text, read_content(rows_path));
  ATOLL_ASSIGN(const auto train, CsvTable::parse(train_text, train_path, options.format));
  ATOLL_ASSIGN(const auto rows, CsvTable::parse(rows_text, rows_path, options.format));
  Part of_train{&train, {}}, of_rows{&rows, std::vector<uint32_t>(rows.rows())};
  std::vector<uint32_t> unused;
  ATOLL_TRY(deal_rows(train, options.test_every, of_train.rows, unused));
  std::iota(of_rows.rows.begin(), of_rows.rows.end(), 0u);
  Encoder encoder(of_train, of_rows, options, /*may_lack_label=*/true);
  ATOLL_ASSIGN(const auto splits, encoder.run());
  return CsvRows{splits.test, !encoder.lacks_label()};
}

}  // namespace atl::data
