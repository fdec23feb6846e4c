#include "server/admin/export.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/core/file.h"
#include "common/core/folder.h"
#include "common/core/hash.h"
#include "common/core/version.h"
#include "common/tensor/safetensors.h"
#include "server/admin/run_history.h"
#include "server/run_config.h"

namespace atl::server {
namespace {

using Json = nlohmann::ordered_json;

struct Source {
  std::string folder, config_toml, config_sha256;
  RunConfig config;
  RunHistory history;
};

Result<Source> read_source(const std::string& folder) {
  Source source;
  source.folder = exists(folder + "/run/config.toml") ? folder + "/run" : folder;
  const auto path = source.folder + "/config.toml";
  if (!exists(path)) {
    return Error(ErrorCode::kConfig, folder + " holds no run: there is no " + path)
        .hint("name a server's folder, or a run's: atoll-server export FOLDER");
  }
  ATOLL_ASSIGN(source.config_toml, read_text(path));
  source.config_sha256 = hex(sha256(as_bytes(source.config_toml)));
  ATOLL_ASSIGN(auto document, config::Document::parse(source.config_toml, path));
  source.config = read_run_config(document.root());
  ATOLL_TRY(document.finish());
  ATOLL_ASSIGN(source.history, read_history(source.folder));
  return source;
}

struct Found {
  uint32_t round = 0;
  SafetensorsFile file;
};

// Newest first; only what was committed, and is whole.
Result<Found> find_model(const Source& source) {
  std::string why = "no round of it is committed yet";
  const auto& rounds = source.history.rounds;
  for (auto at = rounds.rbegin(); at != rounds.rend(); ++at) {
    char name[48];
    std::snprintf(name, sizeof(name), "/checkpoints/round-%06u.safetensors", at->first);
    if (!exists(source.folder + name)) continue;
    auto file = SafetensorsFile::open(source.folder + name);
    if (!file) {
      why = file.error().message();
      continue;
    }
    ATOLL_ASSIGN(const auto digest, file->data_digest());
    if (hex(digest) == at->second.model_sha256) return Found{at->first, std::move(*file)};
    why = source.folder + name + " is not the model that was committed";
  }
  return Error(ErrorCode::kModel, source.folder + " has no whole checkpoint: " + why)
      .hint("atoll-server run FOLDER goes on with the run, and makes one");
}

Metadata metadata_of(const Source& source, uint32_t round) {
  const auto& model = source.config.model;
  Metadata metadata{{"format", "pt"},
                    {"atoll.run", source.config.name},
                    {"round", std::to_string(round)},
                    {"atoll.config_sha256", source.config_sha256},
                    {"atoll.model", model.name},
                    {"atoll.norm", model.norm},
                    {"atoll.policy", source.config.policy}};
  std::string input;
  for (const int64_t extent : model.input) {
    if (!input.empty()) input += ',';
    input += std::to_string(extent);
  }
  if (!input.empty()) metadata["atoll.input"] = input;
  if (model.classes > 0) metadata["atoll.classes"] = std::to_string(model.classes);
  return metadata;
}

Json maybe(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

// What run.json of a simulation says of the data. A server alone knows how many examples a client
// has told, and no more.
Json data_of(const std::string& folder) {
  const auto path = folder + "/run.json";
  Json data{{"known", "examples as clients told them; the data stay with the clients"}};
  if (!exists(path)) return data;
  const auto text = read_text(path);
  const auto run = text ? Json::parse(*text, nullptr, false) : Json();
  if (!run.is_object()) return data;
  for (const char* key : {"data", "partition"})
    if (run.contains(key) && run[key].is_object()) data[key] = run[key];
  if (data.contains("data")) data["data"].erase("folder");  // of the machine, not of the data
  return data;
}

Json card_of(const Source& source, const Found& found, const std::string& digest) {
  const auto& manifest = found.file.manifest();
  const auto& round = source.history.rounds.at(found.round);
  Json participants = Json::array();
  for (const auto& [name, client] : source.history.clients) {
    if (const auto rounds = client.contributed(found.round); rounds > 0)
      participants.push_back({{"client", name}, {"rounds", rounds}, {"examples", client.examples}});
  }
  Json evaluation = nullptr;
  if (const auto at = source.history.evaluations.find(found.round);
      at != source.history.evaluations.end())
    evaluation = {{"examples", at->second.examples},
                  {"accuracy", at->second.accuracy},
                  {"loss", maybe(at->second.loss)}};
  return {{"run", source.config.name},
          {"round", found.round},
          {"rounds", source.config.rounds},
          {"time", round.time},
          {"atoll", version()},
          {"model",
           {{"file", "model.safetensors"},
            {"data_sha256", digest},
            {"name", source.config.model.name},
            {"norm", source.config.model.norm},
            {"input", source.config.model.input},
            {"classes", source.config.model.classes},
            {"tensors", manifest.tensors().size()},
            {"elements", manifest.total_elements()}}},
          {"evaluation", evaluation},
          {"train_loss", maybe(round.train_loss)},
          {"participants", participants},
          {"data", data_of(source.folder)},
          {"config_sha256", source.config_sha256},
          {"config", source.config_toml}};
}

std::string percent(const Json& accuracy) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f %%", 100 * accuracy.get<double>());
  return text;
}

std::string page_of(const Json& card) {
  const auto& model = card["model"];
  auto text = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  std::string page = "# " + text(card["run"]) + ", round " + text(card["round"]) + " of " +
                     text(card["rounds"]) + "\n\nA model of federated training with Atoll " +
                     text(card["atoll"]) +
                     ". `card.json` says all of this to programs.\n\n| | |\n|---|---|\n";
  auto row = [&page](const std::string& key, const std::string& value) {
    page += "| " + key + " | " + value + " |\n";
  };
  row("model", text(model["name"]) + ", norm " + text(model["norm"]));
  row("elements", text(model["elements"]) + " in " + text(model["tensors"]) + " tensors");
  row("SHA-256 of its data", text(model["data_sha256"]));
  row("SHA-256 of the configuration", text(card["config_sha256"]));
  row("committed", text(card["time"]));
  if (const auto& evaluation = card["evaluation"]; evaluation.is_object()) {
    row("accuracy", percent(evaluation["accuracy"]) + " of " + text(evaluation["examples"]) +
                        " test examples of the clients");
    row("loss", text(evaluation["loss"]));
  }
  page += "\n## Participants\n\n| client | rounds | examples |\n|---|---:|---:|\n";
  for (const auto& one : card["participants"])
    page += "| " + text(one["client"]) + " | " + text(one["rounds"]) + " | " +
            text(one["examples"]) + " |\n";
  page += "\nThe data stayed with the clients; numbers of examples are as they told them.\n\n";
  page += "## Configuration\n\n```toml\n" + text(card["config"]) + "```\n";
  return page;
}

Status write_all(const Source& source, const Found& found, const std::string& folder,
                 Exported& exported) {
  const auto& file = found.file;
  const FlatSource fill = [&file](uint64_t offset, MutableByteView out) {
    return file.read_flat(offset, out);
  };
  ATOLL_ASSIGN(const auto digest, write_safetensors(folder + "/model.safetensors", file.manifest(),
                                                    metadata_of(source, found.round), fill));
  exported.sha256 = hex(digest);
  const auto card = card_of(source, found, exported.sha256);
  ATOLL_TRY(write_atomic(folder + "/card.json", card.dump(2) + "\n"));
  return write_atomic(folder + "/README.md", page_of(card));
}

}  // namespace

Result<Exported> export_run(const std::string& folder, std::string out) {
  ATOLL_ASSIGN(const auto source, read_source(folder));
  ATOLL_ASSIGN(const auto found, find_model(source));
  if (out.empty()) out = source.config.name + "-round-" + std::to_string(found.round);
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  if (exists(out))
    return Error(ErrorCode::kUsage, out + " is there already").hint("--out ANOTHER-FOLDER");
  Exported exported{out, out + "/model.safetensors", "", found.round};
  ATOLL_TRY(write_folder(
      out, [&](const std::string& part) { return write_all(source, found, part, exported); }));
  return exported;
}

}  // namespace atl::server
