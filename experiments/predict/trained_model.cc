#include "experiments/predict/trained_model.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "server/aggregation/policy.h"
#include "server/run_config.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

bool read_number(std::string_view text, int64_t& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && out > 0;
}

// "1,28,28"
bool read_shape(std::string_view text, std::vector<int64_t>& out) {
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    if (!read_number(text.substr(0, comma), out.emplace_back())) return false;
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return true;
}

std::string value(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

Status from_metadata(TrainedModel& model) {
  const auto& metadata = model.file.metadata();
  model.spec.name = value(metadata, "atoll.model");
  model.spec.norm = value(metadata, "atoll.norm");
  model.policy = value(metadata, "atoll.policy");
  const auto input = value(metadata, "atoll.input"), classes = value(metadata, "atoll.classes");
  int64_t count = 0;
  const bool good = (input.empty() || read_shape(input, model.spec.input)) &&
                    (classes.empty() || (read_number(classes, count) && count <= 1 << 24));
  if (!good)
    return Error(ErrorCode::kModel, model.path + ": its metadata name no input or classes");
  model.spec.classes = static_cast<uint32_t>(count);
  return {};
}

Status from_run(TrainedModel& model) {
  const auto config = (fs::path(model.path).parent_path().parent_path() / "config.toml").string();
  if (!exists(config)) {
    return Error(ErrorCode::kModel, model.path + " does not say which model it is")
        .hint("take what `atoll-server export RUN` makes");
  }
  ATOLL_ASSIGN(auto document, config::Document::load(config));
  const auto run = server::read_run_config(document.root());
  ATOLL_TRY(document.finish());
  model.spec = run.model;
  model.policy = run.policy;
  return {};
}

}  // namespace

Result<TrainedModel> open_trained(const std::string& path) {
  std::error_code ignored;
  auto file_path = fs::is_directory(path, ignored) ? path + "/model.safetensors" : path;
  ATOLL_ASSIGN(auto file, SafetensorsFile::open(file_path));
  ATOLL_TRY(file.verify());
  TrainedModel model{std::move(file_path), std::move(file), {}, ""};
  const bool says = model.file.metadata().contains("atoll.model");
  ATOLL_TRY(says ? from_metadata(model) : from_run(model));
  return model;
}

std::string warning_of(const TrainedModel& model) {
  const auto rules = server::rules_for_clients(model.policy, false);
  std::set<std::string_view> kept;
  for (const auto& tensor : model.file.manifest().tensors()) {
    for (const auto* list : {&rules.local, &rules.reset})
      if (std::find(list->begin(), list->end(), tensor.role) != list->end())
        kept.insert(to_string(tensor.role));
  }
  std::string names;
  for (const auto name : kept) names += (names.empty() ? "" : ", ") + std::string(name);
  if (names.empty()) return "";
  return "policy = \"" + model.policy + "\" left " + names +
         " with the clients: this file has the first model's, and its answers are worth little";
}

}  // namespace atl::workbench
