#include "experiments/report/export.h"

#include <cmath>
#include <filesystem>
#include <map>

#include "common/config/config.h"
#include "common/core/file.h"
#include "experiments/report/comparison_figures.h"

namespace atl::workbench {
namespace fs = std::filesystem;
namespace {

constexpr const char* kList = "/figures.csv";

double of(const MaybeNumber& value) { return value.value_or(NAN); }
double of(uint64_t value) { return static_cast<double>(value); }

class Files {
 public:
  static Result<Files> open(const std::string& folder) {
    std::error_code ignored;
    const bool there = fs::exists(folder, ignored) && !fs::is_empty(folder, ignored);
    if (there && !exists(folder + kList)) {
      return Error(ErrorCode::kUsage, folder + " is not empty, and holds no earlier export")
          .hint("name a new folder: --export FOLDER");
    }
    ATOLL_TRY(make_folders(folder));
    return Files(folder);
  }
  Status add(const Figure& figure) {
    const auto drawing = draw_alone(figure.chart);
    return drawing.empty() ? Status() : write(figure.file + ".svg", figure.chart.label, drawing);
  }
  Status add(const std::string& name, const std::string& what, const Table& table) {
    if (table.rows.empty()) return {};
    return write(name + ".csv", what, csv_header(table) + csv_rows(table));
  }
  // The list last: a folder without one is not an export that is whole.
  Status finish() const {
    return write_atomic(folder_ + kList, csv_header(list_) + csv_rows(list_));
  }

 private:
  explicit Files(std::string folder) : folder_(std::move(folder)) {}
  Status write(const std::string& name, const std::string& what, const std::string& text) {
    list_.add({name, what});
    return write_atomic(folder_ + "/" + name, text);
  }
  std::string folder_;
  Table list_{{"file", "what"}, {}};
};

// One row a round that was closed or evaluated; `first`: fields before each.
void add_rounds(Table& table, const RunRecord& run, const std::vector<Field>& first) {
  std::map<uint32_t, std::pair<const RoundLine*, const EvaluationLine*>> rounds;
  for (const auto& line : run.metrics.rounds) rounds[line.round].first = &line;
  for (const auto& line : run.metrics.evaluations) rounds[line.round].second = &line;
  double bytes = 0;
  for (const auto& [round, lines] : rounds) {
    static const RoundLine no_round{.seconds = NAN};
    const auto& closed = lines.first != nullptr ? *lines.first : no_round;
    const auto* test = lines.second;
    const bool is_closed = lines.first != nullptr;
    const auto count = [is_closed](uint64_t value) { return is_closed ? of(value) : NAN; };
    bytes += of(closed.bytes_down + closed.bytes_up);
    auto row = first;
    for (const double value :
         {of(uint64_t{round}), count(closed.clients), count(closed.examples), of(closed.train_loss),
          of(closed.update_norm), test != nullptr ? test->accuracy : NAN,
          test != nullptr ? of(test->loss) : NAN, closed.seconds, count(closed.bytes_down),
          count(closed.bytes_up), bytes}) {
      row.emplace_back(value);
    }
    row.emplace_back(closed.model_sha256);
    table.add(std::move(row));
  }
}

std::vector<std::string> round_columns() {
  return {"round", "clients", "examples",   "train_loss", "update_norm",  "accuracy",
          "loss",  "seconds", "bytes_down", "bytes_up",   "bytes_so_far", "model_sha256"};
}

Table client_rounds(const RunRecord& run) {
  Table table{{"client", "round", "examples", "train_loss", "update_norm", "seconds", "bytes_down",
               "bytes_up", "accuracy_before", "accuracy_after"},
              {}};
  for (const auto& [name, lines] : run.metrics.clients) {
    for (const auto& line : lines) {
      table.add({name, of(uint64_t{line.round}), of(line.examples), of(line.train_loss),
                 of(line.update_norm), of(line.seconds), of(line.bytes_down), of(line.bytes_up),
                 of(line.accuracy_before), of(line.accuracy_after)});
    }
  }
  return table;
}

Table partition(const RunRecord& run) {
  Table table{{"client"}, {}};
  const auto& counts = run.partition.table;
  for (size_t c = 0; !counts.empty() && c < counts[0].size(); ++c)
    table.columns.push_back("class_" + std::to_string(c));
  for (size_t r = 0; r < counts.size(); ++r) {
    std::vector<Field> row{of(uint64_t{r})};
    for (const uint64_t n : counts[r]) row.emplace_back(of(n));
    table.add(std::move(row));
  }
  return table;
}

Table refusals(const RunRecord& run) {
  Table table{{"round", "client", "reason"}, {}};
  for (const auto& line : run.metrics.refusals)
    table.add({of(uint64_t{line.round}), line.client, line.reason});
  return table;
}

Table settings(const RunRecord& run) {
  Table table{{"key", "value"}, {}};
  if (const auto document = config::Document::parse(run.config, "config.toml")) {
    for (const auto& [key, value] : document->values()) table.add({key, value});
  }
  return table;
}

Table outcomes(const Comparison& comparison) {
  Table table{{"run", "folder", "group", "rounds", "accuracy", "best_accuracy", "loss", "target",
               "rounds_to_target", "bytes_to_target", "bytes", "seconds"},
              {}};
  for (const auto& group : comparison.groups) {
    for (const size_t index : group.runs) {
      const auto& run = comparison.runs[index];
      table.add({run.label, run.record.folder, group.label, of(uint64_t{run.record.round}),
                 final_accuracy(run), best_accuracy(run), final_loss(run),
                 comparison.target.value_or(NAN), rounds_to_target(run), bytes_to_target(run),
                 traffic(run), seconds(run)});
    }
  }
  return table;
}

Table group_outcomes(const Comparison& comparison) {
  Table table{{"group", "quantity", "mean", "deviation", "n"}, {}};
  const std::pair<const char*, RunValue> quantities[] = {{"accuracy", final_accuracy},
                                                         {"best_accuracy", best_accuracy},
                                                         {"loss", final_loss},
                                                         {"rounds_to_target", rounds_to_target},
                                                         {"bytes_to_target", bytes_to_target},
                                                         {"bytes", traffic},
                                                         {"seconds", seconds}};
  for (const auto& group : comparison.groups) {
    for (const auto& [name, value] : quantities) {
      const auto spread = spread_of(comparison, group, value);
      table.add({group.label, name, spread.mean, spread.deviation, of(uint64_t{spread.count})});
    }
  }
  return table;
}

Table differences(const Comparison& comparison) {
  Table table{{"key"}, {}};
  for (const auto& run : comparison.runs) table.columns.push_back(run.label);
  for (const auto& [key, values] : comparison.differences) {
    std::vector<Field> row{key};
    for (const auto& value : values) row.emplace_back(value);
    table.add(std::move(row));
  }
  return table;
}

}  // namespace

Status export_report(const RunRecord& run, const std::string& folder) {
  ATOLL_ASSIGN(auto files, Files::open(folder));
  for (const auto& figure : figures_of(run)) ATOLL_TRY(files.add(figure));
  Table rounds{round_columns(), {}};
  add_rounds(rounds, run, {});
  ATOLL_TRY(files.add("rounds", "the run's rounds", rounds));
  ATOLL_TRY(files.add("clients", "clients by round", client_rounds(run)));
  ATOLL_TRY(files.add("partition", "examples of each class of each client", partition(run)));
  ATOLL_TRY(files.add("refusals", "updates that were not taken", refusals(run)));
  ATOLL_TRY(files.add("config", "the configuration", settings(run)));
  return files.finish();
}

Status export_report(const Comparison& comparison, const std::string& folder) {
  ATOLL_ASSIGN(auto files, Files::open(folder));
  for (const auto& figure : figures_of(comparison)) ATOLL_TRY(files.add(figure));
  auto columns = round_columns();
  columns.insert(columns.begin(), {"run", "group"});
  Table rounds{std::move(columns), {}};
  for (const auto& group : comparison.groups) {
    for (const size_t run : group.runs)
      add_rounds(rounds, comparison.runs[run].record, {comparison.runs[run].label, group.label});
  }
  ATOLL_TRY(files.add("rounds", "the rounds of all runs", rounds));
  ATOLL_TRY(files.add("outcome", "what each run came to", outcomes(comparison)));
  ATOLL_TRY(
      files.add("groups", "mean and standard deviation over seeds", group_outcomes(comparison)));
  ATOLL_TRY(files.add("differences", "keys that differ", differences(comparison)));
  return files.finish();
}

}  // namespace atl::workbench
