#include "experiments/report/run_record.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/config/config.h"
#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/tensor/safetensors.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
uint64_t count_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}
uint32_t round_at(const Json& object, const char* key) {
  return static_cast<uint32_t>(std::min<uint64_t>(count_at(object, key), UINT32_MAX));
}

// A small JSON object in a file of the run; notes and an empty object when it is not one.
Json object_in(RunRecord& run, const char* name) {
  const std::string path = run.folder + "/" + name;
  if (!fs::exists(path)) return Json::object();
  auto text = read_text(path);
  if (!text) {
    run.notes.push_back(text.error().message());
    return Json::object();
  }
  auto object = Json::parse(*text, nullptr, false);
  if (object.is_object()) return object;
  run.notes.push_back(std::string(name) + " is not a JSON object and is left out");
  return Json::object();
}

void add_config(RunRecord& run) {
  const std::string path = run.folder + "/config.toml";
  if (!fs::exists(path)) return run.notes.push_back("there is no config.toml");
  auto text = read_text(path);
  if (!text) return run.notes.push_back(text.error().message());
  run.config = std::move(text).value();
  run.config_sha256 = hex(sha256(as_bytes(run.config)));
  auto document = config::Document::parse(run.config, "config.toml");
  if (!document) return run.notes.push_back(document.error().message());
  auto root = document->root();
  root.read("name", run.name);
  root.read("rounds", run.total_rounds);
  auto model = root.table("model");
  model.read("name", run.model_name);
  model.read("norm", run.model_norm);
}

void add_status(RunRecord& run) {
  const auto status = object_in(run, "status.json");
  if (run.name.empty()) run.name = text_at(status, "run");
  run.state = text_at(status, "state");
  run.round = round_at(status, "round");
  if (const auto rounds = round_at(status, "rounds"); rounds > 0) run.total_rounds = rounds;
  run.model_path = text_at(status, "model");
  run.model_sha256 = text_at(status, "model_sha256");
  const auto clients = status.find("clients");
  if (clients == status.end() || !clients->is_array()) return;
  for (const auto& client : *clients) {
    if (!client.is_object()) continue;
    run.clients.push_back({text_at(client, "name"), count_at(client, "train_examples"),
                           count_at(client, "test_examples")});
  }
}

// Rows of text for a person, whatever the types; nested values are left out.
Facts facts_in(const Json& object) {
  Facts facts;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) {
      facts.emplace_back(key, value.get<std::string>());
    } else if (value.is_number() || value.is_boolean()) {
      facts.emplace_back(key, value.dump());
    }
  }
  return facts;
}

void add_partition(RunRecord& run, const Json& said) {
  auto& partition = run.partition;
  partition.scheme = text_at(said, "scheme");
  partition.sha256 = text_at(said, "sha256");
  partition.clients = count_at(said, "clients");
  const auto alpha = said.find("alpha");
  if (alpha != said.end() && alpha->is_number()) partition.alpha = alpha->get<double>();
  const auto table = said.find("table");
  if (table == said.end() || !table->is_array()) return;
  for (const auto& row : *table) {
    std::vector<uint64_t> counts;
    for (const auto& n : row) {
      if (n.is_number_unsigned()) counts.push_back(n.get<uint64_t>());
    }
    const bool fits = row.is_array() && counts.size() == row.size() && !counts.empty() &&
                      (partition.table.empty() || partition.table[0].size() == counts.size());
    if (!fits) {
      partition.table.clear();
      return run.notes.push_back(
          "run.json: the partition's table is not a list of equally long rows of counts");
    }
    partition.table.push_back(std::move(counts));
  }
}

void add_workbench_notes(RunRecord& run) {
  const auto said = object_in(run, "run.json");
  run.command = text_at(said, "command");
  auto object_at = [&said](const char* key) {
    const auto found = said.find(key);
    return found != said.end() && found->is_object() ? *found : Json::object();
  };
  run.data = facts_in(object_at("data"));
  run.environment = facts_in(object_at("environment"));
  add_partition(run, object_at("partition"));
  const auto seconds = said.find("seconds");
  if (seconds != said.end() && seconds->is_number()) run.seconds = seconds->get<double>();
}

void add_checkpoints(RunRecord& run) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run.folder + "/checkpoints", ignored)) {
    const auto name = entry.path().filename().string();
    unsigned round = 0;
    int used = 0;
    if (std::sscanf(name.c_str(), "round-%u.safetensors%n", &round, &used) != 1 ||
        static_cast<size_t>(used) != name.size()) {
      continue;
    }
    Checkpoint checkpoint{round, entry.path().string(), entry.file_size(ignored), ""};
    if (auto file = SafetensorsFile::open(checkpoint.path)) {
      const auto found = file->metadata().find("data_sha256");
      if (found != file->metadata().end()) checkpoint.data_sha256 = found->second;
    } else {
      run.notes.push_back(file.error().message());
    }
    run.checkpoints.push_back(std::move(checkpoint));
  }
  std::sort(run.checkpoints.begin(), run.checkpoints.end(),
            [](const Checkpoint& a, const Checkpoint& b) { return a.round > b.round; });
}

// Fills what one file does not say from the others, and notes where they disagree.
void reconcile(RunRecord& run) {
  const auto& rounds = run.metrics.rounds;
  if (run.round == 0 && !rounds.empty()) run.round = rounds.back().round;
  if (run.model_sha256.empty() && !rounds.empty()) run.model_sha256 = rounds.back().model_sha256;
  if (!run.checkpoints.empty()) {
    const auto& newest = run.checkpoints.front();
    // The folder may have been moved since the server wrote where the model lies.
    if (run.model_path.empty() || !fs::exists(run.model_path)) run.model_path = newest.path;
    if (run.model_sha256.empty()) run.model_sha256 = newest.data_sha256;
    if (newest.round == run.round && !newest.data_sha256.empty() &&
        newest.data_sha256 != run.model_sha256) {
      run.notes.push_back("the checkpoint of round " + std::to_string(newest.round) +
                          " has another SHA-256 than the run recorded");
    }
  }
  if (!(std::isfinite(run.seconds) && run.seconds > 0)) {
    run.seconds = 0;
    for (const auto& line : rounds) run.seconds += line.seconds;
    run.seconds_is_sum = true;
  }
  if (run.metrics.damaged_lines > 0) {
    const bool one = run.metrics.damaged_lines == 1;
    run.notes.push_back(
        "metrics.jsonl: " + with_commas(run.metrics.damaged_lines) + " of " +
        with_commas(run.metrics.lines) +
        (one ? " lines is damaged and left out" : " lines are damaged and left out"));
  }
  if (run.metrics.other_lines > 0) {
    run.notes.push_back("metrics.jsonl: " + with_commas(run.metrics.other_lines) +
                        " lines are of a kind that this version does not know");
  }
}

}  // namespace

const EvaluationLine* RunRecord::final_evaluation() const {
  return metrics.evaluations.empty() ? nullptr : &metrics.evaluations.back();
}

const EvaluationLine* RunRecord::best_evaluation() const {
  const auto& all = metrics.evaluations;
  const auto best = std::max_element(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.accuracy < b.accuracy; });
  return best == all.end() ? nullptr : &*best;
}

uint64_t RunRecord::bytes_down() const {
  uint64_t sum = 0;
  for (const auto& line : metrics.rounds) sum += line.bytes_down;
  return sum;
}

uint64_t RunRecord::bytes_up() const {
  uint64_t sum = 0;
  for (const auto& line : metrics.rounds) sum += line.bytes_up;
  return sum;
}

Result<RunRecord> read_run(const std::string& folder) {
  RunRecord run;
  run.folder = folder;
  while (run.folder.size() > 1 && run.folder.back() == '/') run.folder.pop_back();
  const char* const next = "name the folder of a run; atoll simulate FILE.toml makes one";
  std::error_code ignored;
  if (!fs::is_directory(run.folder, ignored))
    return Error(ErrorCode::kIo, "there is no folder " + run.folder).hint(next);
  const bool any = fs::exists(run.folder + "/config.toml") ||
                   fs::exists(run.folder + "/metrics.jsonl") ||
                   fs::exists(run.folder + "/status.json");
  if (!any) {
    return Error(ErrorCode::kIo, run.folder +
                                     " is not the folder of a run: it has no config.toml, "
                                     "metrics.jsonl or status.json")
        .hint(next);
  }
  add_config(run);
  if (fs::exists(run.folder + "/metrics.jsonl")) {
    auto metrics = read_metrics(run.folder + "/metrics.jsonl");
    if (metrics) {
      run.metrics = std::move(metrics).value();
    } else {
      run.notes.push_back(metrics.error().message());
    }
  }
  add_status(run);
  add_workbench_notes(run);
  add_checkpoints(run);
  reconcile(run);
  if (run.name.empty()) run.name = fs::path(run.folder).filename().string();
  return run;
}

}  // namespace atl::workbench
