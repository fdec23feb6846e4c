// A data set in memory: examples of one shape with class labels. Torch-free. Readers (idx.h,
// cifar.h, csv.h) make it; the trainer reads it. Immutable once made, so any number of clients in
// one process share one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace atl::data {

// Indices into a Dataset: one client's share, in the order that the partitioner gave.
using Indices = std::vector<uint32_t>;

// A column of a table, kept beside the features so that a partitioner can follow natural groups.
struct Column {
  std::string name;
  std::vector<std::string> values;  // distinct, sorted
  std::vector<uint32_t> codes;      // one per example: index into `values`
};

struct Dataset {
  std::string name;            // "fashion_mnist", or the file's name
  std::vector<int64_t> shape;  // of one example: {C, H, W} of images, {F} of rows of a table
  uint32_t classes = 0;        // labels lie in [0, classes)
  std::vector<uint32_t> labels;

  // Exactly one of the two is filled, example after example in row-major order. Bytes are grey
  // levels: the trainer feeds (byte / 255 - mean[c]) / std[c] for channel c. Values are fed as they
  // are.
  std::vector<uint8_t> bytes;
  std::vector<float> values;
  std::vector<float> mean, std;  // per channel, of bytes; sizes C

  std::vector<std::string> class_names;  // empty, or one per class
  std::vector<Column> columns;           // of tables: the columns that are not plain numbers

  size_t size() const { return labels.size(); }
  size_t example_elements() const {
    size_t n = 1;
    for (int64_t extent : shape) n *= static_cast<size_t>(extent);
    return n;
  }
};

using SharedDataset = std::shared_ptr<const Dataset>;

// A set's two halves. `test` may be empty (size() == 0), never null.
struct DataSplits {
  SharedDataset train, test;
};

}  // namespace atl::data
