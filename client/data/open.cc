#include "client/data/open.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <thread>

#include "client/data/cifar.h"
#include "client/data/compressed.h"
#include "client/data/csv.h"
#include "client/data/idx.h"
#include "client/data/locate.h"
#include "common/core/hash.h"

namespace atl::data {
namespace {

// CIFAR-10's authors published nothing newer for its single files. Identity, not security: nobody
// gains by a second image set of equal SHA-1.
std::string sha1(ByteView bytes) {
  std::array<std::byte, 20> digest;
  unsigned size = 0;
  ATOLL_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_sha1(), nullptr) == 1,
      "SHA-1");
  return to_hex(digest);
}

struct LoadedFile {
  std::string path;
  Bytes content;
  std::string sha256;
};

Result<LoadedFile> load_file(const SetEntry& set, const SetFile& file, const std::string& folder) {
  const auto path = find_file(folder, file.name);
  if (!path)
    return Error(ErrorCode::kData, folder + " lacks " + file.name + " (or .gz, .xz)")
        .hint("atoll data get " + set.name);
  LoadedFile loaded{*path, {}, {}};
  ATOLL_ASSIGN(loaded.content, read_content(*path, file.bytes));
  loaded.sha256 = hex(sha256(loaded.content));
  const auto& known = file.digests;
  if (std::find(known.begin(), known.end(), loaded.sha256) != known.end()) return loaded;
  if (std::any_of(known.begin(), known.end(), [](const auto& d) { return d.size() == 40; }) &&
      std::find(known.begin(), known.end(), sha1(loaded.content)) != known.end())
    return loaded;
  return bad_file(*path, loaded.content.size() < file.bytes
                             ? "is truncated: " + std::to_string(loaded.content.size()) + " of " +
                                   std::to_string(file.bytes) + " bytes"
                             : "is not the known file: the SHA-256 of its content is " +
                                   loaded.sha256 + ", not " + known.front());
}

// Unpacking dominates, so files are read side by side; results keep the catalogue's order.
Result<std::vector<LoadedFile>> load_files(const SetEntry& set, const std::string& folder) {
  ATOLL_ASSIGN(const auto place, locate(set, folder));
  std::vector<std::optional<Result<LoadedFile>>> results(set.files.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < set.files.size(); ++i)
      threads.emplace_back([&, i] { results[i].emplace(load_file(set, set.files[i], place)); });
  }
  std::vector<LoadedFile> files;
  for (auto& result : results) {
    if (!*result)
      return (*std::move(result))
          .error()
          .wrap("cannot open the data set " + set.name)
          .hint("atoll data get " + set.name);
    files.push_back((*std::move(result)).value());
  }
  return files;
}

struct Halves {
  Dataset train, test;
};

Result<Halves> open_idx(const std::vector<LoadedFile>& files) {
  Halves halves;
  ATOLL_ASSIGN(halves.train,
               make_idx(files[0].content, files[0].path, files[1].content, files[1].path, 10));
  ATOLL_ASSIGN(halves.test,
               make_idx(files[2].content, files[2].path, files[3].content, files[3].path, 10));
  return halves;
}

Result<Halves> open_cifar(std::vector<LoadedFile>& files) {
  Halves halves{empty_cifar(""), empty_cifar("")};
  halves.train.bytes.reserve(50'000 * kCifarPixels);
  for (auto& file : files) {
    ATOLL_TRY(
        append_cifar(&file == &files.back() ? halves.test : halves.train, file.content, file.path));
    file.content = {};  // two copies of the whole set are never held
  }
  return halves;
}

// Grey levels 0..16 in a table; 16 becomes 255.
Result<Dataset> digits_part(const Dataset& table, const std::string& path) {
  Dataset part;
  part.labels = table.labels;
  part.classes = table.classes;
  part.shape = {1, 8, 8};
  for (const float value : table.values) {
    if (!(value >= 0 && value <= 16) || value != std::floor(value))
      return bad_file(path, "holds a grey level that is not a whole number from 0 to 16");
    part.bytes.push_back(static_cast<uint8_t>(std::lround(value * 255 / 16)));
  }
  return part;
}

Result<Halves> open_digits(const LoadedFile& file) {
  CsvOptions options;
  options.format.header = false;
  options.standardize = false;
  ATOLL_ASSIGN(const auto table, make_csv(file.content, file.path, {}, "", options));
  if (table.train->example_elements() != 64)
    return bad_file(file.path, "has rows of other than 64 grey levels and a label");
  Halves halves;
  ATOLL_ASSIGN(halves.train, digits_part(*table.train, file.path));
  ATOLL_ASSIGN(halves.test, digits_part(*table.test, file.path));
  return halves;
}

CsvOptions table_options(const std::string& name) {
  CsvOptions options;
  if (name == "adult") {
    options.format.header = false;
    options.format.comment = '|';
    options.format.names = {"age",           "workclass", "fnlwgt",       "education",
                            "education-num", "marital",   "occupation",   "relationship",
                            "race",          "sex",       "capital-gain", "capital-loss",
                            "hours",         "country",   "income"};
    options.label = "income";
    options.label_suffix = ".";  // adult.test ends its labels with a full stop
    options.drop = {"fnlwgt"};   // the census' sampling weight, no attribute of the person
  } else if (name == "bank_marketing") {
    options.format.delimiter = ';';
    options.label = "y";
    // Known only after the call, when the answer is known too (the authors' own remark).
    options.drop = {"duration"};
  } else if (name == "default_credit") {
    options.label = "default.payment.next.month";
    options.drop = {"ID"};
    options.categorical = {"SEX", "EDUCATION", "MARRIAGE"};
  } else {
    ATOLL_CHECK(name == "wdbc", "a table of the catalogue");
    options.format.header = false;
    options.format.names = {"id", "diagnosis"};
    for (const char* kind : {"mean", "error", "worst"}) {
      for (const char* measure :
           {"radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity",
            "concave-points", "symmetry", "fractal-dimension"})
        options.format.names.push_back(std::string(measure) + "-" + kind);
    }
    options.label = "diagnosis";
    options.drop = {"id"};
  }
  return options;
}

Result<Halves> open_table(const SetEntry& set, const std::vector<LoadedFile>& files) {
  CsvOptions options = table_options(set.name);
  options.classes = set.class_names;
  const bool has_test = files.size() > 1;
  ATOLL_ASSIGN(const auto splits, make_csv(files[0].content, files[0].path,
                                           has_test ? ByteView(files[1].content) : ByteView(),
                                           has_test ? files[1].path : "", options));
  return Halves{*splits.train, *splits.test};
}

Result<Halves> read_files(const SetEntry& set, std::vector<LoadedFile> files) {
  switch (set.format) {
    case SetFormat::kIdx:
      return open_idx(files);
    case SetFormat::kCifar:
      return open_cifar(files);
    case SetFormat::kDigits:
      return open_digits(files[0]);
    case SetFormat::kCsv:
      return open_table(set, files);
  }
  return Error(ErrorCode::kInternal, "the catalogue has a format that nobody reads");
}

// Gives a part its name and facts. The digests passed, so a difference is a bug of the catalogue.
SharedDataset finish_part(const SetEntry& set, Dataset part, uint64_t examples) {
  ATOLL_CHECK(
      part.size() == examples && part.classes == set.class_names.size() && part.shape == set.shape,
      "the catalogue's facts about " + set.name);
  part.name = set.name;
  part.mean = set.mean;
  part.std = set.std;
  part.class_names = set.class_names;
  return std::make_shared<const Dataset>(std::move(part));
}

}  // namespace

Result<std::vector<VerifiedFile>> verify_dataset(std::string_view name, const std::string& folder) {
  ATOLL_ASSIGN(const SetEntry* set, find_set(name));
  ATOLL_ASSIGN(auto files, load_files(*set, folder));
  std::vector<VerifiedFile> verified;
  verified.reserve(files.size());
  for (const auto& file : files) verified.push_back({file.path, file.content.size(), file.sha256});
  return verified;
}

Result<DataSplits> open_dataset(std::string_view name, const std::string& folder) {
  ATOLL_ASSIGN(const SetEntry* set, find_set(name));
  ATOLL_ASSIGN(auto files, load_files(*set, folder));
  ATOLL_ASSIGN(auto halves, read_files(*set, std::move(files)));
  return DataSplits{finish_part(*set, std::move(halves.train), set->train),
                    finish_part(*set, std::move(halves.test), set->test)};
}

}  // namespace atl::data
