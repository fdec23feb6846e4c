// Tables from CSV files: rows of float features {F} with a class label.
//
// A column is numeric when its first value that is not missing is a number; else it is categorical.
// - Numeric columns become one feature, standardised by the training part's mean and (population)
//   deviation; a missing value becomes the mean; a constant column becomes 0.
// - Categorical columns become one feature (0 or 1) per value of the training part, in sorted
//   order. "Missing" is a value like any other; a value that only the test part has is all zeros.
//   The column itself is kept in Dataset::columns for partitioning by natural groups.
// - The label's values, sorted (as numbers where all are whole numbers), are the classes 0, 1, ...
// Features stand in the order of the file's columns.
#pragma once

#include <string>
#include <vector>

#include "client/data/csv_table.h"
#include "client/data/dataset.h"
#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::data {

struct CsvOptions {
  CsvFormat format;
  std::string label = "-1";              // a column by name or index; the last
  std::string label_suffix;              // dropped from the end of labels (adult.test's full stop)
  std::vector<std::string> classes;      // the label's values in order; empty: as the file has them
  std::vector<std::string> categorical;  // numeric codes that are names, not amounts
  std::vector<std::string> drop;         // columns that are not used
  std::vector<std::string> group;        // columns kept in Dataset::columns only
  std::string missing = "?";             // a cell that is not there; an empty cell is missing too
  bool standardize = true;
  // Without a test file: every n-th row (n-1, 2n-1, ... counted from 0) is test; 0: none is.
  uint32_t test_every = 5;
};

// `test` empty: split by options.test_every. Names are for messages and for Dataset::name.
Result<DataSplits> make_csv(ByteView train, const std::string& train_name, ByteView test,
                            const std::string& test_name, const CsvOptions& options);
// The same from files, plain or packed; `test_path` may be empty.
Result<DataSplits> read_csv(const std::string& train_path, const std::string& test_path,
                            const CsvOptions& options);

// Rows that are to be given a class, read as the training part says. The label's column may be
// missing; their labels are then 0. `options.test_every` is 0 where training had a test file.
struct CsvRows {
  SharedDataset rows;
  bool labelled = true;
};
Result<CsvRows> read_csv_rows(const std::string& train_path, const std::string& rows_path,
                              const CsvOptions& options);

}  // namespace atl::data
