#include "client/data/data_spec.h"

#include <algorithm>
#include <cmath>

#include "client/data/catalogue.h"
#include "client/data/cifar.h"
#include "client/data/idx.h"
#include "client/data/locate.h"
#include "client/data/moments.h"
#include "client/data/open.h"

namespace atl::data {
namespace {

constexpr double kMostExtent = 4096;

void read_character(config::Table& table, std::string_view key, char& out) {
  std::string text;
  if (!table.read(key, text)) return;
  if (text.size() != 1) return table.fail(key, "must be one character, not \"" + text + "\"");
  out = text[0];
}

void read_csv_options(config::Table& table, CsvOptions& csv) {
  read_character(table, "delimiter", csv.format.delimiter);
  if (csv.format.delimiter != ',' && csv.format.delimiter != ';')
    table.fail("delimiter", "must be \",\" or \";\"");
  read_character(table, "comment", csv.format.comment);
  table.read("header", csv.format.header);
  table.read("label", csv.label);
  table.read("classes", csv.classes);
  table.read("categorical", csv.categorical);
  table.read("drop", csv.drop);
  table.read("group", csv.group);
  table.read("missing", csv.missing);
  table.read("standardize", csv.standardize);
  table.read("test_every", csv.test_every);
  if (csv.test_every == 1) table.fail("test_every", "would leave nothing to train on; 0 is never");
}

void read_image_options(config::Table& table, DataSpec& spec) {
  table.read_choice("color", spec.images.color, {"grey", "rgb"});
  spec.images.classes = spec.csv.classes;
  std::vector<double> size;
  if (!table.read("size", size)) return;
  bool good = size.size() == 2;
  for (const double extent : size)
    good = good && extent >= 1 && extent <= kMostExtent && extent == std::floor(extent);
  if (!good) return table.fail("size", "must be [HEIGHT, WIDTH], each from 1 to 4096");
  spec.images.size = {static_cast<uint32_t>(size[0]), static_cast<uint32_t>(size[1])};
}

Status set_images_moments(const DataSpec& spec, Dataset& train, Dataset& test) {
  set_moments(train);
  const auto channels = static_cast<size_t>(train.shape.front());
  for (const auto& [given, kept] : {std::pair(&spec.mean, &train.mean), {&spec.std, &train.std}}) {
    if (given->empty()) continue;
    if (given->size() != channels)
      return Error(ErrorCode::kConfig, "data.mean and data.std have " +
                                           std::to_string(given->size()) + " values, but " +
                                           train.name + " has " + std::to_string(channels) +
                                           " channels");
    kept->assign(given->begin(), given->end());
  }
  test.mean = train.mean;
  test.std = train.std;
  return {};
}

// Two parts that were read apart must be of one kind.
Status match(const Dataset& train, Dataset& test) {
  if (test.size() == 0) {
    test.shape = train.shape;
  } else if (test.shape != train.shape) {
    return Error(ErrorCode::kData,
                 test.name + ": its images have another shape than those of " + train.name)
        .hint("look at train and test in [data]");
  }
  return {};
}

Result<DataSplits> finish(const DataSpec& spec, Dataset train, Dataset test) {
  ATOLL_TRY(match(train, test));
  ATOLL_TRY(set_images_moments(spec, train, test));
  train.classes = test.classes = std::max(train.classes, test.classes);
  return DataSplits{std::make_shared<const Dataset>(std::move(train)),
                    std::make_shared<const Dataset>(std::move(test))};
}

}  // namespace

DataSpec read_data_spec(config::Table data) {
  DataSpec spec;
  const bool has_set = data.read("set", spec.set);
  const bool has_format =
      data.read_choice("format", spec.format, {"csv", "images", "idx", "cifar"});
  data.read_path("folder", spec.folder);
  data.read_paths("train", spec.train);
  data.read_paths("test", spec.test);
  data.read_path("train_labels", spec.train_labels);
  data.read_path("test_labels", spec.test_labels);
  data.read("mean", spec.mean);
  data.read("std", spec.std);
  read_csv_options(data, spec.csv);
  read_image_options(data, spec);

  if (has_set && data.has("format")) data.fail("format", "set and format exclude each other");
  if (has_set) {
    if (const auto known = find_set(spec.set); !known)
      data.fail("set", known.error().message() + "; see: " + known.error().hint());
  }
  if (!has_format) return spec;
  if (spec.train.empty()) data.fail("train", "is wanted: the path of the training file");
  if (spec.format != "cifar" && spec.train.size() > 1)
    data.fail("train", "must be one path; only format = \"cifar\" takes a list");
  if (spec.format != "cifar" && spec.test.size() > 1)
    data.fail("test", "must be one path; only format = \"cifar\" takes a list");
  if (spec.format == "idx" && spec.train_labels.empty())
    data.fail("train_labels", "is wanted: the path of the labels of train");
  if (spec.format == "idx" && spec.test.empty() != spec.test_labels.empty())
    data.fail("test_labels", "test and test_labels go together");
  for (const double deviation : spec.std)
    if (deviation <= 0) data.fail("std", "must be above 0");
  return spec;
}

Result<DataSplits> open_idx(const DataSpec& spec) {
  ATOLL_CHECK(!spec.train.empty(), "read_data_spec refuses this");
  ATOLL_ASSIGN(auto train, read_idx(spec.train.front(), spec.train_labels));
  Dataset test;
  if (!spec.test.empty()) {
    ATOLL_ASSIGN(test, read_idx(spec.test.front(), spec.test_labels));
  }
  return finish(spec, std::move(train), std::move(test));
}

Result<DataSplits> open_cifar(const DataSpec& spec) {
  ATOLL_ASSIGN(auto train, read_cifar(spec.train));
  ATOLL_ASSIGN(auto test, read_cifar(spec.test));
  return finish(spec, std::move(train), std::move(test));
}

Result<DataSplits> open_images(const DataSpec& spec) {
  ATOLL_CHECK(!spec.train.empty(), "read_data_spec refuses this");
  ATOLL_ASSIGN(auto splits,
               read_image_folder(spec.train.front(), spec.test.empty() ? "" : spec.test.front(),
                                 spec.images, spec.csv.test_every));
  return finish(spec, std::move(splits.train), std::move(splits.test));
}

Result<DataSplits> open_data(const DataSpec& spec) {
  if (!spec.set.empty()) {
    if (!spec.folder.empty()) return open_dataset(spec.set, spec.folder);
    ATOLL_ASSIGN(const SetEntry* set, find_set(spec.set));
    ATOLL_ASSIGN(const auto folder, find_folder(*set));
    return open_dataset(spec.set, folder);
  }
  if (spec.format == "idx") return open_idx(spec);
  if (spec.format == "cifar") return open_cifar(spec);
  if (spec.format == "images") return open_images(spec);
  if (spec.format == "csv")
    return read_csv(spec.train.front(), spec.test.empty() ? "" : spec.test.front(), spec.csv);
  return Error(ErrorCode::kConfig, "[data] names neither a set nor a format")
      .hint("set = \"digits\" in [data]; `atoll data list` shows the others");
}

}  // namespace atl::data
