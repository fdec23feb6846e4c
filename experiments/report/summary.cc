#include "experiments/report/summary.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/report/text.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const MaybeNumber& value) { return value ? Json(*value) : Json(nullptr); }

std::string plural(uint64_t count, const char* one, const char* many) {
  return with_commas(count) + " " + (count == 1 ? one : many);
}

std::string accuracy_line(const RunRecord& run) {
  const auto* last = run.final_evaluation();
  if (last == nullptr) return "nothing was evaluated";
  std::vector<double> values;
  for (const auto& line : run.metrics.evaluations) values.push_back(line.accuracy);
  const auto* best = run.best_evaluation();
  std::string out = sparkline(values, 40) + "  " + percent(last->accuracy);
  if (last->examples > 0)
    out += " (" + with_commas(last->correct) + " of " + with_commas(last->examples) + ")";
  if (best->round != last->round)
    out += ", best " + percent(best->accuracy) + " after round " + std::to_string(best->round);
  return out;
}

}  // namespace

std::string sparkline(const std::vector<double>& values, size_t width) {
  static const char* const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = INFINITY, high = -INFINITY;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string out;
  const size_t shown = std::min(width, values.size());
  for (size_t i = 0; i < shown; ++i) {
    // The last character is the last value.
    const double value = values[(i + 1) * values.size() / shown - 1];
    if (!std::isfinite(value)) {
      out += " ";
      continue;
    }
    const double share = high > low ? (value - low) / (high - low) : 0.5;
    out += blocks[std::min<size_t>(7, static_cast<size_t>(share * 8))];
  }
  return out;
}

std::string terminal_summary(const RunRecord& run, const std::string& report_path) {
  std::string out;
  auto add = [&out](const std::string& key, const std::string& value) {
    if (!value.empty()) out += padded(key, 10) + printable(value) + "\n";
  };
  std::string head = run.state.empty() ? "" : run.state + ", ";
  head += with_commas(run.round);
  if (run.total_rounds > 0) head += " of " + with_commas(run.total_rounds);
  head += " rounds";
  if (run.seconds > 0) head += ", " + human_seconds(run.seconds);
  head += ", " + plural(run.metrics.clients.size(), "client", "clients");
  add("run", run.name + ": " + head);
  add("accuracy", accuracy_line(run));
  std::string loss;
  const auto* last = run.final_evaluation();
  if (last != nullptr) loss = "test " + (last->loss ? fixed(*last->loss, 4) : "not finite");
  if (!run.metrics.rounds.empty()) {
    const auto& train = run.metrics.rounds.back().train_loss;
    loss += (loss.empty() ? "" : ", ") + ("training " + (train ? fixed(*train, 4) : "not finite"));
  }
  add("loss", loss);
  if (run.bytes_down() + run.bytes_up() > 0) {
    add("traffic", human_bytes(static_cast<double>(run.bytes_down())) + " down, " +
                       human_bytes(static_cast<double>(run.bytes_up())) + " up");
  }
  if (!run.metrics.refusals.empty())
    add("refusals",
        plural(run.metrics.refusals.size(), "update or message", "updates or messages"));
  add("model", run.model_path);
  add("sha256", run.model_sha256);
  for (const auto& note : run.notes) add("note", shortened(note, 300));
  add("report", report_path);
  if (!run.model_path.empty()) {
    add("next", "atoll inspect " + run.model_path);
  } else {
    add("next", "atoll report " + run.folder + " when a round is closed");
  }
  return out;
}

std::string json_summary(const RunRecord& run, const std::string& report_path) {
  const auto* last = run.final_evaluation();
  const auto* best = run.best_evaluation();
  const auto& rounds = run.metrics.rounds;
  const Json object{
      {"accuracy", last != nullptr ? Json(last->accuracy) : Json(nullptr)},
      {"best_accuracy", best != nullptr ? Json(best->accuracy) : Json(nullptr)},
      {"loss", last != nullptr ? or_null(last->loss) : Json(nullptr)},
      {"train_loss", rounds.empty() ? Json(nullptr) : or_null(rounds.back().train_loss)},
      {"rounds", run.round},
      {"seconds", run.seconds},
      {"model", run.model_path},
      {"model_sha256", run.model_sha256},
      {"run", run.folder},
      {"name", run.name},
      {"state", run.state},
      {"config_sha256", run.config_sha256},
      {"bytes_down", run.bytes_down()},
      {"bytes_up", run.bytes_up()},
      {"clients", run.metrics.clients.size()},
      {"refusals", run.metrics.refusals.size()},
      {"damaged_lines", run.metrics.damaged_lines},
      {"report", report_path}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace atl::workbench
