#include "experiments/inspect/inspect_verb.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/tensor/shape.h"
#include "experiments/inspect/tensor_statistics.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kLongestValue = 200;

struct Options {
  std::string path;
  bool json = false;
};

// Everything that is known of one file.
struct Inspection {
  explicit Inspection(SafetensorsFile file) : file(std::move(file)) {}
  SafetensorsFile file;
  uint64_t file_bytes = 0;
  std::vector<TensorStatistics> statistics;  // in the manifest's order
  bool has_hash = false;
  Status verified;
  uint64_t not_finite = 0;  // elements
};

std::string shape_text(const TensorSpec& tensor) {
  return tensor.shape.empty() ? "scalar" : atl::shape_text(tensor.shape);
}

bool is_role(const std::string& key) { return key.rfind("role:", 0) == 0; }

using Row = std::vector<std::string>;

// A file of another program names no roles.
bool has_role(const SafetensorsFile& file, const TensorSpec& tensor) {
  return file.metadata().contains("role:" + tensor.name);
}

Row row_of(const SafetensorsFile& file, const TensorSpec& tensor, const TensorStatistics& s) {
  Row row{tensor.name, std::string(to_string(tensor.dtype)), shape_text(tensor),
          has_role(file, tensor) ? std::string(to_string(tensor.role)) : "-",
          with_commas(tensor.elements)};
  for (const double value : {s.min, s.max, s.mean, s.std, s.norm})
    row.push_back(s.finite > 0 ? compact(value) : "-");
  row.push_back(with_commas(s.nans));
  row.push_back(with_commas(s.infinities));
  row.push_back(s.nans + s.infinities > 0 ? "<- not finite" : "");
  return row;
}

void print_text(const Inspection& found, const std::string& path, std::ostream& out) {
  const auto& manifest = found.file.manifest();
  std::vector<Row> rows{{"tensor", "dtype", "shape", "role", "elements", "min", "max", "mean",
                         "std", "norm", "nan", "inf", ""}};
  for (size_t i = 0; i < found.statistics.size(); ++i)
    rows.push_back(row_of(found.file, manifest.tensors()[i], found.statistics[i]));
  out << aligned(rows, 4);
  uint64_t trainable = 0;
  for (const auto& tensor : manifest.tensors())
    if (has_role(found.file, tensor) && is_trainable(tensor.role)) trainable += tensor.elements;
  auto line = [&out](const std::string& key, const std::string& value) {
    out << padded(printable(key), 22) << printable(value) << "\n";
  };
  out << "\n";
  line("file", path + " (" + human_bytes(static_cast<double>(found.file_bytes)) + ")");
  line("tensors", with_commas(manifest.tensors().size()) + ", " +
                      with_commas(manifest.total_elements()) + " elements" +
                      (trainable > 0 ? " (" + with_commas(trainable) + " trainable), " : ", ") +
                      human_bytes(static_cast<double>(manifest.total_bytes())) + " of data");
  for (const auto& [key, value] : found.file.metadata()) {
    if (!is_role(key)) line(shortened(key, kLongestValue), shortened(value, kLongestValue));
  }
  line("hash", !found.has_hash       ? "the header has none: the data cannot be checked"
               : found.verified.ok() ? "the data have the hash in the header"
                                     : "THE DATA DO NOT HAVE THE HASH IN THE HEADER");
  if (found.not_finite > 0) {
    line("warning", with_commas(found.not_finite) +
                        " elements are not finite; min to norm are of "
                        "the others");
  }
}

void print_json(const Inspection& found, const std::string& path, std::ostream& out) {
  const auto& manifest = found.file.manifest();
  Json tensors = Json::array(), metadata = Json::object();
  for (size_t i = 0; i < found.statistics.size(); ++i) {
    const auto& tensor = manifest.tensors()[i];
    const auto& s = found.statistics[i];
    auto figure = [&s](double value) { return s.finite > 0 ? Json(value) : Json(nullptr); };
    tensors.push_back(
        {{"name", tensor.name},
         {"dtype", to_string(tensor.dtype)},
         {"shape", tensor.shape},
         {"role", has_role(found.file, tensor) ? Json(to_string(tensor.role)) : Json(nullptr)},
         {"elements", tensor.elements},
         {"min", figure(s.min)},
         {"max", figure(s.max)},
         {"mean", figure(s.mean)},
         {"std", figure(s.std)},
         {"norm", figure(s.norm)},
         {"nan", s.nans},
         {"inf", s.infinities}});
  }
  for (const auto& [key, value] : found.file.metadata()) {
    if (!is_role(key)) metadata[key] = value;
  }
  const Json object{{"file", path},
                    {"bytes", found.file_bytes},
                    {"elements", manifest.total_elements()},
                    {"data_bytes", manifest.total_bytes()},
                    {"not_finite", found.not_finite},
                    {"verified", found.has_hash ? Json(found.verified.ok()) : Json(nullptr)},
                    {"metadata", metadata},
                    {"tensors", tensors}};
  out << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace

Status inspect(const std::string& path, bool json, std::ostream& out) {
  const char* const next = "take another copy of the file, or an earlier checkpoint beside it";
  auto opened = SafetensorsFile::open(path);
  if (!opened) {
    auto error = std::move(opened).error();
    return error.code() == ErrorCode::kModel ? std::move(error).hint(next) : std::move(error);
  }
  Inspection found(std::move(opened).value());
  std::error_code ignored;
  found.file_bytes = std::filesystem::file_size(path, ignored);
  for (const auto& tensor : found.file.manifest().tensors()) {
    ATOLL_ASSIGN(const auto statistics, measure(found.file, tensor));
    found.not_finite += statistics.nans + statistics.infinities;
    found.statistics.push_back(statistics);
  }
  found.has_hash = found.file.metadata().contains("data_sha256");
  found.verified = found.file.verify();
  const bool mismatch = !found.verified && found.verified.error().code() == ErrorCode::kModel;
  if (!found.verified && !mismatch) return found.verified;
  json ? print_json(found, path, out) : print_text(found, path, out);
  if (mismatch) return std::move(found.verified).error().hint(next);
  return {};
}

void add_inspect_verb(CLI::App& app, Verbs& verbs) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("inspect", "list the tensors of a model file and check it");
  verb->add_option("file", options->path, "the model")->type_name("FILE.safetensors")->required();
  verb->add_flag("--json", options->json, "print one JSON object");
  verbs.push_back({verb, [options] { return inspect(options->path, options->json, std::cout); }});
}

}  // namespace atl::workbench
