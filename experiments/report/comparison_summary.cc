#include "experiments/report/comparison_summary.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/report/comparison_figures.h"
#include "experiments/report/fields.h"
#include "experiments/report/summary.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kSparkWidth = 24;
constexpr size_t kMostKeys = 12, kLongestNote = 300;

std::string spark_of(const RunRecord& run) {
  std::vector<double> values;
  for (const auto& line : run.metrics.evaluations) values.push_back(line.accuracy);
  return sparkline(values, kSparkWidth);
}

std::vector<std::vector<std::string>> rows_of(const Comparison& comparison) {
  auto table = run_table(comparison);
  table.head.insert(table.head.begin() + 1, "Accuracy by round");
  std::vector<std::vector<std::string>> rows{table.head};
  for (size_t i = 0; i < table.rows.size(); ++i) {
    rows.push_back(table.rows[i]);
    rows.back().insert(rows.back().begin() + 1, spark_of(comparison.runs[i].record));
  }
  for (auto& row : rows) {
    for (auto& field : row) field = printable(field);
  }
  return rows;
}

Json spread_json(const Comparison& comparison, const RunGroup& group, RunValue value) {
  const auto spread = spread_of(comparison, group, value);
  return {{"mean", json_number(spread.mean)},
          {"deviation", json_number(spread.deviation)},
          {"n", spread.count}};
}

Json run_json(const ComparedRun& run) {
  return {{"run", run.record.folder},
          {"label", run.label},
          {"state", run.record.state},
          {"rounds", run.record.round},
          {"accuracy", json_number(final_accuracy(run))},
          {"best_accuracy", json_number(best_accuracy(run))},
          {"loss", json_number(final_loss(run))},
          {"rounds_to_target", json_number(rounds_to_target(run))},
          {"bytes_to_target", json_number(bytes_to_target(run))},
          {"bytes", traffic(run)},
          {"seconds", json_number(seconds(run))},
          {"model_sha256", run.record.model_sha256},
          {"config_sha256", run.record.config_sha256}};
}

}  // namespace

std::string terminal_summary(const Comparison& comparison, const std::string& report_path) {
  std::string out = aligned(rows_of(comparison), 3);
  if (comparison.grouped()) {
    auto table = outcome_table(comparison);
    std::vector<std::vector<std::string>> rows{table.head};
    for (auto& row : table.rows) {
      for (auto& field : row) field = printable(field);
      rows.push_back(row);
    }
    out += "\n" + aligned(rows, 1);
  }
  out += "\n";
  const auto add = [&out](const std::string& key, const std::string& value) {
    out += padded(key, 10) + printable(value) + "\n";
  };
  if (comparison.target) add("target", percent(*comparison.target) + ": " + comparison.target_rule);
  std::string keys;
  size_t listed = 0;
  for (const auto& difference : comparison.differences) {
    if (++listed > kMostKeys) break;
    keys += (keys.empty() ? "" : ", ") + difference.key;
  }
  if (comparison.differences.size() > kMostKeys) keys += ", ... (the page has them all)";
  add("differ in", keys.empty() ? "no key" : keys);
  add("same in", "all: " + with_commas(comparison.same) + " keys");
  for (const auto& note : comparison.notes) add("note", shortened(note, kLongestNote));
  add("report", report_path);
  add("next", "atoll report " + comparison.runs[0].record.folder);
  return out;
}

std::string json_summary(const Comparison& comparison, const std::string& report_path) {
  Json runs = Json::array(), groups = Json::array(), differences = Json::object();
  for (const auto& run : comparison.runs) runs.push_back(run_json(run));
  for (const auto& group : comparison.groups) {
    const auto of = [&](RunValue value) { return spread_json(comparison, group, value); };
    Json members = Json::array();
    for (const size_t run : group.runs) members.push_back(comparison.runs[run].label);
    groups.push_back({{"label", group.label},
                      {"runs", std::move(members)},
                      {"accuracy", of(final_accuracy)},
                      {"best_accuracy", of(best_accuracy)},
                      {"loss", of(final_loss)},
                      {"rounds_to_target", of(rounds_to_target)},
                      {"bytes_to_target", of(bytes_to_target)},
                      {"bytes", of(traffic)},
                      {"seconds", of(seconds)}});
  }
  for (const auto& [key, values] : comparison.differences) {
    Json row = Json::array();
    for (const auto& value : values) row.push_back(value.empty() ? Json(nullptr) : Json(value));
    differences[key] = std::move(row);
  }
  const Json object{{"runs", std::move(runs)},
                    {"groups", std::move(groups)},
                    {"target", comparison.target ? Json(*comparison.target) : Json(nullptr)},
                    {"target_rule", comparison.target_rule},
                    {"differences", std::move(differences)},
                    {"same_keys", comparison.same},
                    {"notes", comparison.notes},
                    {"report", report_path}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace atl::workbench
