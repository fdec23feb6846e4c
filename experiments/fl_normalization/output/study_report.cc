#include "experiments/fl_normalization/output/study_report.h"

#include <cmath>

#include "experiments/report/text.h"

namespace atl::study {

using workbench::fixed;

std::unique_ptr<StudyReport> make_report(StudyPlan plan, std::vector<CellResult> tuned,
                                         std::vector<CellResult> results) {
  auto report = std::make_unique<StudyReport>();
  report->plan = std::move(plan);
  report->tuned = std::move(tuned);
  report->results = std::move(results);
  report->rates = best_rates(report->plan, report->tuned);
  report->settings = settings_of(report->results);
  report->verdicts = verdicts(report->settings);
  report->obliterations = obliterations(report->settings);
  report->mismatch_costs = mismatch_costs(report->settings);
  report->map = regime_map(report->settings);
  for (const auto* all : {&report->tuned, &report->results}) {
    for (const auto& result : *all) {
      report->seconds += result.seconds;
      report->train_seconds += result.train_seconds;
      if (result.failure.empty())
        report->images += static_cast<double>(result.cell.images_in_all());
    }
  }
  return report;
}

std::vector<std::string> headlines(const StudyReport& report) {
  std::vector<std::string> lines;
  const auto& plan = report.plan;
  lines.push_back("tier " + plan.tier + ", budget " + fixed(plan.budget_minutes, 0) +
                  " minutes, planned " + fixed(minutes_of(plan), 1) + " on " +
                  std::to_string(plan.workers) + (plan.workers == 1 ? " worker" : " workers"));
  for (const auto& line : plan.reduced) lines.push_back("cut to the budget: " + line);
  if (report.missing() > 0)
    lines.push_back("not finished: " + std::to_string(report.missing()) + " of " +
                    std::to_string(plan.tuning.size() + plan.cells.size()) + " cells are missing");
  size_t failed = 0;
  for (const auto& result : report.results) failed += result.failure.empty() ? 0 : 1;
  if (failed > 0)
    lines.push_back(std::to_string(failed) + (failed == 1 ? " run did not end with a model"
                                                          : " runs did not end with a model"));
  size_t least = SIZE_MAX;
  for (const auto& setting : report.settings) {
    for (const auto& row : setting.methods) least = std::min(least, row.runs.size());
  }
  if (least <= 3)
    lines.push_back(std::to_string(least) + (least == 1 ? " seed" : " seeds") +
                    ": direction only; intervals are Student's t over seeds");
  lines.push_back(
      "directions, not digits, can be compared with the paper, whose table is "
      "second-hand here");
  return lines;
}

std::string words(const Cell& cell) {
  return cell.data + " " + cell.model + ", " + cell.partition + ", " +
         std::to_string(cell.clients) + " x " + std::to_string(cell.images) + ", " +
         std::to_string(cell.cohort) + " a round, E " + std::to_string(cell.epochs) + ", B " +
         std::to_string(cell.batch) + ", " + std::to_string(cell.rounds) + " rounds";
}

std::string percent_pm(const std::vector<double>& values) {
  if (values.empty()) return "–";
  const auto middle = fixed(100 * mean(values), 1);
  return values.size() < 2 ? middle : middle + " ± " + fixed(100 * deviation(values), 1);
}

TextTable obliteration_table(const StudyReport& report) {
  TextTable rows{{"no norm minus", "obliterated", "OI", "N_eff / K", "largest norm ratio",
                  "least retention Q"}};
  for (const auto& o : report.obliterations)
    rows.push_back({o.method + ", " + words(o.setting->cell), o.judged, words(o.oi, 2),
                    words(o.n_eff, 2), words(o.norm_spread, 2), words(o.retention, 2)});
  return rows;
}

TextTable mismatch_table(const StudyReport& report) {
  TextTable rows{{"stored statistics", "runs", "mean M", "batch statistics gain, points",
                  "recalibrated gain", "correlation of M with them"}};
  for (const auto& [method, cost] : report.mismatch_costs)
    rows.push_back(
        {method, std::to_string(cost.runs), fixed(cost.mean_mismatch, 3),
         fixed(cost.lost_to_batch, 2), fixed(cost.lost_to_recalibrated, 2),
         fixed(cost.correlation_batch, 2) + ", " + fixed(cost.correlation_recalibrated, 2)});
  return rows;
}

}  // namespace atl::study
