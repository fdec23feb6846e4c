// Everything that a study has to say, made from its plan and the results that there are; and the
// forms in which it says it: CSV files, JSON, text, a page.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "experiments/fl_normalization/analysis/claims.h"
#include "experiments/fl_normalization/analysis/regimes.h"
#include "experiments/fl_normalization/analysis/verdicts.h"
#include "experiments/fl_normalization/study/plan.h"

namespace atl::study {

struct StudyReport {
  StudyPlan plan;
  std::vector<CellResult> tuned, results;  // of cells that are done
  std::map<std::string, double> rates;     // by tuning group
  std::vector<Setting> settings;
  std::vector<Verdict> verdicts;
  std::vector<Obliteration> obliterations;
  std::vector<MismatchByMethod> mismatch_costs;
  RegimeMap map;  // of all settings; worth reading from some six on

  size_t missing() const { return plan.tuning.size() + plan.cells.size() - done(); }
  size_t done() const { return tuned.size() + results.size(); }
  // Over all cells that are done. Seconds are of one worker.
  double seconds = 0, train_seconds = 0, images = 0;
};

// On the heap, and nothing in it moves: settings point into the results.
std::unique_ptr<StudyReport> make_report(StudyPlan plan, std::vector<CellResult> tuned,
                                         std::vector<CellResult> results);

// FOLDER/runs.csv, curve.csv, ecs.csv, bn.csv, contrib.csv, norms.csv, rounds.csv, tuning.csv,
// map.csv, regimes.json, summary.json and report.html, each written whole.
Status write_files(const StudyReport& report, const std::string& folder);

std::string to_json(const StudyReport& report);  // one object on one line
std::string to_text(const StudyReport& report);
std::string to_page(const StudyReport& report);

// The first lines of every form: tier, budget, what was cut, what is missing.
std::vector<std::string> headlines(const StudyReport& report);
// "2cls, 20 x 500, 8 a round, E 2, B 32, 50 rounds"
std::string words(const Cell& cell);
// "41.3 ± 1.2" of values in [0, 1], as percent; one seed: no deviation.
std::string percent_pm(const std::vector<double>& values);
// The two claims as tables, a head and rows: for text and page.
using TextTable = std::vector<std::vector<std::string>>;
TextTable obliteration_table(const StudyReport& report);
TextTable mismatch_table(const StudyReport& report);

}  // namespace atl::study
