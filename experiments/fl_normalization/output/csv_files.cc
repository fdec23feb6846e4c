// The files of a study (study_report.h).
#include "common/core/file.h"
#include "common/core/version.h"
#include "experiments/fl_normalization/output/study_report.h"
#include "experiments/report/built_with.h"

namespace atl::study {
namespace {

Table runs_of(const StudyReport& report) {
  Table runs{{"run_id",      "atoll",   "torch",  "dataset", "sha256_partition",
              "arch",        "norm",    "policy", "params",  "partition",
              "images",      "E",       "B",      "lr",      "momentum",
              "wd",          "clients", "frac",   "rounds",  "seed",
              "purpose",     "failure", "wall_s", "train_s", "images_per_s",
              "model_sha256"},
             {}};
  for (const bool tuning : {true, false}) {
    for (const auto& r : tuning ? report.tuned : report.results) {
      const auto& c = r.cell;
      const double trained = static_cast<double>(c.images_in_all());
      runs.add({c.key(),
                std::string(version()),
                std::string(workbench::torch_version()),
                c.data,
                r.partition_sha256,
                c.model,
                c.norm,
                c.policy,
                static_cast<double>(r.parameters),
                c.partition,
                static_cast<double>(c.images),
                static_cast<double>(c.epochs),
                static_cast<double>(c.batch),
                c.rate,
                c.momentum,
                0.0,
                static_cast<double>(c.clients),
                static_cast<double>(c.cohort) / static_cast<double>(c.clients),
                static_cast<double>(c.rounds),
                static_cast<double>(c.seed),
                tuning ? "tuning" : "result",
                r.failure,
                r.seconds,
                r.train_seconds,
                r.train_seconds > 0 ? trained / r.train_seconds : 0.0,
                r.model_sha256});
    }
  }
  return runs;
}

Table tuning_of(const StudyReport& report) {
  Table table{{"group", "lr", "accuracy", "chosen", "failure"}, {}};
  for (const auto& r : report.tuned) {
    const auto group = tuning_group(r.cell);
    const auto best = report.rates.find(group);
    table.add({group, r.cell.rate, final_accuracy(r),
               best != report.rates.end() && best->second == r.cell.rate ? 1.0 : 0.0, r.failure});
  }
  return table;
}

Table map_of(const StudyReport& report) {
  Table table{{"setting",
               "partition",
               "images",
               "E",
               "local_steps",
               "skew",
               "classes_per_client",
               "norm_slots",
               "best_acc",
               "LN_BN",
               "LN_BN_low",
               "LN_BN_high",
               "GN_BN",
               "none_BN",
               "none_BN_low",
               "none_BN_high",
               "ECS_bn",
               "M_bn",
               "norm_spread_bn",
               "norm_spread_none"},
              {}};
  for (const auto& r : report.map.regimes) {
    table.add({r.cell.setting(),
               r.cell.partition,
               r.images,
               r.local_epochs,
               r.local_steps,
               r.skew,
               r.effective_classes,
               r.depth,
               r.best,
               r.ln.mean,
               r.ln.interval.low,
               r.ln.interval.high,
               r.gn.mean,
               r.none.mean,
               r.none.interval.low,
               r.none.interval.high,
               r.ecs,
               r.mismatch,
               r.norm_spread,
               r.norm_spread_none});
  }
  return table;
}

Status write_table(const Table& table, const std::string& path) {
  return write_atomic(path, csv_header(table) + csv_rows(table));
}

}  // namespace

Status write_files(const StudyReport& report, const std::string& folder) {
  ATOLL_TRY(make_folders(folder));
  static const CellResult kEmpty;  // for the columns of a study without a result
  using R = const CellResult&;
  const std::pair<const char*, const Table& (*)(R)> joined[] = {
      {"curve.csv", [](R r) -> const Table& { return r.curve; }},
      {"ecs.csv", [](R r) -> const Table& { return r.ecs; }},
      {"bn.csv", [](R r) -> const Table& { return r.bn; }},
      {"contrib.csv", [](R r) -> const Table& { return r.contrib; }},
      {"norms.csv", [](R r) -> const Table& { return r.norms; }},
      {"rounds.csv", [](R r) -> const Table& { return r.rounds; }},
  };
  for (const auto& [name, of] : joined) {
    std::string text = csv_header(of(kEmpty), "run_id");
    for (const auto& result : report.results) text += csv_rows(of(result), result.cell.key());
    ATOLL_TRY(write_atomic(folder + "/" + name, text));
  }
  ATOLL_TRY(write_table(runs_of(report), folder + "/runs.csv"));
  ATOLL_TRY(write_table(tuning_of(report), folder + "/tuning.csv"));
  ATOLL_TRY(write_table(map_of(report), folder + "/map.csv"));
  ATOLL_TRY(write_atomic(folder + "/regimes.json", to_json(report.map) + "\n"));
  ATOLL_TRY(write_atomic(folder + "/summary.json", to_json(report) + "\n"));
  return write_atomic(folder + "/report.html", to_page(report));
}

}  // namespace atl::study
