// Which data a run or a client uses, as its TOML file says it in the table [data]: a set of the
// catalogue, or files of one's own. docs/config.md is written from this header.
#pragma once

#include <string>
#include <vector>

#include "client/data/csv.h"
#include "client/data/dataset.h"
#include "client/data/image_folder.h"
#include "common/config/config.h"
#include "common/core/result.h"

namespace atl::data {

struct DataSpec {
  std::string set;     // set: a name of the catalogue (`atoll data list`); or else format
  std::string folder;  // folder: where the set's files are; absent: ATOLL_DATA, then the cache

  std::string format;              // format: csv | images | idx | cifar
  std::vector<std::string> train;  // train: a path; for cifar a path or a list of them
  std::vector<std::string> test;   // test: the same; absent: no test part (csv, images: test_every)
  std::string train_labels;        // train_labels, test_labels: idx only
  std::string test_labels;
  std::vector<double> mean, std;  // mean, std: per channel of images; absent: from the
                                  // training part. Clients must agree, so give them.
  ImageOptions images;            // color, size, of images only; classes, of csv too
  // csv only: delimiter, header, comment, label, classes, categorical, drop, group, missing,
  // standardize, test_every
  CsvOptions csv;
};

// Paths are relative to the file's folder. Mistakes are noted in the document; leaves finish() to
// the caller.
DataSpec read_data_spec(config::Table data);

// Opens what the spec names. Never downloads.
Result<DataSplits> open_data(const DataSpec& spec);

// A user's own image files. Mean and std are the training part's where the spec gives none.
Result<DataSplits> open_idx(const DataSpec& spec);
Result<DataSplits> open_cifar(const DataSpec& spec);
Result<DataSplits> open_images(const DataSpec& spec);

}  // namespace atl::data
