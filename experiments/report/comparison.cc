#include "experiments/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "common/config/config.h"
#include "common/numeric/mean.h"
#include "experiments/report/text.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLongestGroupLabel = 44;
const std::set<std::string> kSeedKeys{"name", "seed", "partition: sha256"};

Facts settings_of(const RunRecord& run) {
  Facts out;
  if (const auto document = config::Document::parse(run.config, "config.toml"))
    out = document->values();
  for (const auto& [key, value] : run.data) {
    if (key != "folder") out.emplace_back("data: " + key, value);
  }
  const auto& partition = run.partition;
  if (!partition.scheme.empty()) out.emplace_back("partition: scheme", partition.scheme);
  if (partition.alpha) out.emplace_back("partition: alpha", compact(*partition.alpha));
  if (partition.clients > 0)
    out.emplace_back("partition: clients", std::to_string(partition.clients));
  if (!partition.sha256.empty()) out.emplace_back("partition: sha256", partition.sha256);
  return out;
}

// The same seed led to the same model: a second look at one value, not a second value.
bool is_repeat(const RunRecord& a, const RunRecord& b) {
  return !a.config_sha256.empty() && a.config_sha256 == b.config_sha256 && a.round > 0 &&
         a.round == b.round && !a.model_sha256.empty() && a.model_sha256 == b.model_sha256;
}
bool is_copy(const RunRecord& a, const RunRecord& b) {
  return is_repeat(a, b) && a.metrics.lines == b.metrics.lines &&
         a.metrics.first_time == b.metrics.first_time && a.metrics.last_time == b.metrics.last_time;
}

void take_runs(Comparison& out, std::vector<RunRecord> records) {
  for (auto& record : records) {
    std::error_code ignored;
    const auto twice =
        std::find_if(out.runs.begin(), out.runs.end(), [&](const ComparedRun& other) {
          return fs::equivalent(other.record.folder, record.folder, ignored);
        });
    if (twice != out.runs.end()) {
      out.notes.push_back(record.folder + " is the same folder as " + twice->record.folder +
                          ": it counts once");
      continue;
    }
    const auto copy =
        std::find_if(out.runs.begin(), out.runs.end(),
                     [&record](const ComparedRun& other) { return is_copy(other.record, record); });
    if (copy != out.runs.end()) {
      out.notes.push_back(record.folder + " is a copy of " + copy->record.folder +
                          ": it counts once");
      continue;
    }
    auto settings = settings_of(record);
    out.runs.push_back({std::move(record), "", std::move(settings), {}});
  }
}

// The components of the paths that differ: "a/run" and "b/run" are "a" and "b".
void label_runs(std::vector<ComparedRun>& runs) {
  std::vector<std::vector<std::string>> paths;
  for (const auto& run : runs) {
    std::error_code ignored;
    auto path = fs::weakly_canonical(run.record.folder, ignored);
    paths.emplace_back();
    for (const auto& part : path) paths.back().push_back(part.string());
  }
  const auto all_share = [&paths](bool front) {
    for (const auto& path : paths) {
      if (path.size() < 2) return false;
      const auto& part = front ? path.front() : path.back();
      if (part != (front ? paths[0].front() : paths[0].back())) return false;
    }
    return true;
  };
  while (paths.size() > 1 && all_share(true))
    for (auto& path : paths) path.erase(path.begin());
  while (paths.size() > 1 && all_share(false))
    for (auto& path : paths) path.pop_back();
  for (size_t i = 0; i < runs.size(); ++i) {
    if (paths.size() == 1) paths[i] = {paths[i].back()};
    for (const auto& part : paths[i]) runs[i].label += (runs[i].label.empty() ? "" : "/") + part;
  }
}

void find_differences(Comparison& out) {
  std::map<std::string, std::vector<std::string>> by_key;
  for (size_t i = 0; i < out.runs.size(); ++i) {
    for (const auto& [key, value] : out.runs[i].settings) {
      auto& values = by_key[key];
      values.resize(out.runs.size());
      values[i] = value;
    }
  }
  for (auto& [key, values] : by_key) {
    const bool same = std::all_of(values.begin(), values.end(),
                                  [&](const std::string& value) { return value == values[0]; });
    if (same) {
      ++out.same;
    } else {
      out.differences.push_back({key, std::move(values)});
    }
  }
}

void group_runs(Comparison& out) {
  std::map<Facts, size_t> by_settings;
  for (size_t i = 0; i < out.runs.size(); ++i) {
    Facts rest;
    for (const auto& setting : out.runs[i].settings)
      if (!kSeedKeys.contains(setting.first)) rest.push_back(setting);
    // Of a run without a configuration nothing is known, so it is like no other.
    const bool known = !out.runs[i].settings.empty();
    const auto found = known ? by_settings.find(rest) : by_settings.end();
    if (found != by_settings.end()) {
      const auto& others = out.groups[found->second].runs;
      const auto same = std::find_if(others.begin(), others.end(), [&](size_t other) {
        return is_repeat(out.runs[other].record, out.runs[i].record);
      });
      if (same != others.end()) {
        out.notes.push_back(out.runs[i].label + " repeats " + out.runs[*same].label +
                            " (same seed, same final model): no mean counts it twice");
        out.groups.push_back({"", {i}});
        continue;
      }
      out.groups[found->second].runs.push_back(i);
      continue;
    }
    if (known) by_settings.emplace(std::move(rest), out.groups.size());
    out.groups.push_back({"", {i}});
  }
}

// "norm = ln": the key's last part, the text without quotes.
std::string short_setting(const std::string& key, std::string value) {
  if (value.size() >= 2 && (value.front() == '\'' || value.front() == '"'))
    value = value.substr(1, value.size() - 2);
  return key.substr(key.find_last_of(". ") + 1) + " = " + (value.empty() ? "none" : value);
}

// What was set differently, where that is short; else the name of the first run.
std::string label_of(const Comparison& comparison, const RunGroup& group) {
  const auto& first = comparison.runs[group.runs[0]].label;
  if (group.runs.size() == 1) return first;
  std::string label;
  for (const auto& [key, values] : comparison.differences) {
    if (kSeedKeys.contains(key)) continue;
    label += (label.empty() ? "" : ", ") + short_setting(key, values[group.runs[0]]);
  }
  if (!label.empty() && shown_width(label) <= kLongestGroupLabel) return label;
  return first + " and " + std::to_string(group.runs.size() - 1) + " more";
}

void find_target(Comparison& out, std::optional<double> target) {
  out.target = target;
  if (target) {
    out.target_rule = "as asked for";
  } else {
    double least = INFINITY;
    for (const auto& run : out.runs) {
      const double best = best_accuracy(run);
      if (std::isfinite(best)) least = std::min(least, best);
    }
    if (std::isfinite(least)) least = std::floor(least * 100 + 1e-9) / 100;
    if (!std::isfinite(least) || least <= 0) return;
    out.target = least;
    out.target_rule =
        "the smallest of the runs' best accuracies, rounded down to whole percent; --target sets "
        "another";
  }
  for (auto& run : out.runs) {
    for (const auto& line : run.record.metrics.evaluations) {
      if (line.accuracy + 1e-12 < *out.target) continue;
      Reached reached{line.round, bytes_until(run.record, line.round), 0};
      for (const auto& round : run.record.metrics.rounds)
        if (round.round <= line.round) reached.seconds += round.seconds;
      run.reached = reached;
      break;
    }
  }
}

std::string classes_of(const RunRecord& run) {
  const auto& table = run.partition.table;
  return table.empty() ? "" : std::to_string(table[0].size());
}

void note_what_does_not_compare(Comparison& out) {
  std::map<std::string, std::string> classes, sets;  // value: label of a run that has it
  if (out.runs.size() < 2) return;
  for (const auto& run : out.runs) {
    for (const auto& note : run.record.notes) out.notes.push_back(run.label + ": " + note);
    if (run.record.metrics.evaluations.empty())
      out.notes.push_back(run.label + ": nothing was evaluated, so it has no line for accuracy");
    if (const auto count = classes_of(run.record); !count.empty()) classes[count] = run.label;
    for (const auto& [key, value] : run.record.data)
      if (key == "set") sets[value] = run.label;
  }
  const auto tell = [&out](const std::map<std::string, std::string>& values, const char* what) {
    if (values.size() < 2) return;
    std::string text;
    for (const auto& [value, label] : values)
      text += (text.empty() ? "" : ", ") + value + " (" + label + ")";
    out.notes.push_back(std::string("the runs have different ") + what + ": " + text +
                        "; their accuracies are not of one task");
  };
  tell(classes, "numbers of classes");
  tell(sets, "data sets");
}

}  // namespace

Comparison compare(std::vector<RunRecord> runs, std::optional<double> target) {
  Comparison out;
  take_runs(out, std::move(runs));
  label_runs(out.runs);
  find_differences(out);
  group_runs(out);
  for (auto& group : out.groups) group.label = label_of(out, group);
  find_target(out, target);
  note_what_does_not_compare(out);
  return out;
}

double bytes_until(const RunRecord& run, uint32_t round) {
  double bytes = 0;
  for (const auto& line : run.metrics.rounds)
    if (line.round <= round) bytes += static_cast<double>(line.bytes_down + line.bytes_up);
  return bytes;
}

Spread spread_of(const Comparison& comparison, const RunGroup& group, RunValue value) {
  std::vector<double> values;
  for (const size_t run : group.runs) {
    const double one = value(comparison.runs[run]);
    if (std::isfinite(one)) values.push_back(one);
  }
  return {mean(values), deviation(values), values.size()};
}

double final_accuracy(const ComparedRun& run) {
  const auto* last = run.record.final_evaluation();
  return last == nullptr ? NAN : last->accuracy;
}
double best_accuracy(const ComparedRun& run) {
  const auto* best = run.record.best_evaluation();
  return best == nullptr ? NAN : best->accuracy;
}
double final_loss(const ComparedRun& run) {
  const auto* last = run.record.final_evaluation();
  return last == nullptr ? NAN : last->loss.value_or(NAN);
}
double traffic(const ComparedRun& run) {
  return static_cast<double>(run.record.bytes_down() + run.record.bytes_up());
}
double seconds(const ComparedRun& run) { return run.record.seconds > 0 ? run.record.seconds : NAN; }
double rounds_to_target(const ComparedRun& run) {
  return run.reached ? static_cast<double>(run.reached->round) : NAN;
}
double bytes_to_target(const ComparedRun& run) { return run.reached ? run.reached->bytes : NAN; }

}  // namespace atl::workbench
