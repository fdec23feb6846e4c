// A study as text (study_report.h).
#include <algorithm>
#include <cmath>

#include "experiments/fl_normalization/output/study_report.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

using workbench::fixed;
using workbench::padded;
using workbench::shown_width;

using Rows = TextTable;

// Columns as wide as their widest field; all but the first to the right.
std::string aligned(const Rows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], shown_width(row[c]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (size_t c = 0; c < row.size(); ++c)
      line += (c > 0 ? "  " : "") + padded(row[c], widths[c], c > 0);
    while (line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string number(const std::vector<double>& values, int decimals) {
  return values.empty() ? "–" : fixed(mean(values), decimals);
}

// "34, 41, >60": per seed, which a mean could not say.
std::string rounds_to(const MethodRow& row, size_t target) {
  std::string text;
  for (size_t i = 0; i < row.runs.size(); ++i) {
    const double rounds = row.figures[i].rounds_to[target];
    text +=
        (i > 0 ? ", " : "") +
        (std::isnan(rounds) ? ">" + std::to_string(row.runs[i]->cell.rounds) : fixed(rounds, 0));
  }
  return text;
}

std::string setting_text(const Setting& setting) {
  std::string out = words(setting.cell) + "\n";
  Rows rows{{"method", "lr", "final %", "batch stat. %", "best %", "area", "to 25 %", "to 35 %",
             "to 45 %", "N_eff/K", "OI", "ECS", "M", "failed"}};
  for (const auto& row : setting.methods) {
    rows.push_back({row.method, workbench::compact(row.runs.front()->cell.rate),
                    percent_pm(row.of(&RunFigures::final)),
                    percent_pm(row.of(&RunFigures::batch_final)),
                    percent_pm(row.of(&RunFigures::best)), number(row.of(&RunFigures::area), 3),
                    rounds_to(row, 0), rounds_to(row, 1), rounds_to(row, 2),
                    number(row.of(&RunFigures::n_eff), 2), number(row.of(&RunFigures::oi), 2),
                    number(row.of(&RunFigures::ecs), 3), number(row.of(&RunFigures::mismatch), 3),
                    std::to_string(row.failed) + "/" + std::to_string(row.runs.size())});
  }
  out += aligned(rows);
  if (setting.find("bn(all)") == nullptr) return out;
  rows = {{"against bn(all), points", "by seed", "mean [95 %]"}};
  for (const auto& row : setting.methods) {
    if (row.method == "bn(all)") continue;
    const auto difference = setting.difference(row.method, "bn(all)");
    std::string seeds;
    for (const double points : difference.by_seed)
      seeds += (seeds.empty() ? "" : ", ") + std::string(points >= 0 ? "+" : "") + fixed(points, 1);
    rows.push_back({row.method, seeds, words(difference)});
  }
  return out + aligned(rows);
}

std::string tuning_text(const StudyReport& report) {
  Rows rows{{"tuning (seed apart from the others)"}};
  for (const double rate : report.plan.grid) rows[0].push_back(workbench::compact(rate));
  rows[0].push_back("chosen");
  std::map<std::string, std::map<double, std::string>> accuracies;
  for (const auto& r : report.tuned)
    accuracies[tuning_group(r.cell)][r.cell.rate] =
        r.failure.empty() ? fixed(100 * final_accuracy(r), 1) : "failed";
  for (const auto& [group, by_rate] : accuracies) {
    std::vector<std::string> row{group};
    for (const double rate : report.plan.grid) {
      const auto found = by_rate.find(rate);
      row.push_back(found == by_rate.end() ? "" : found->second);
    }
    const auto best = report.rates.find(group);
    row.push_back(best == report.rates.end() ? "" : workbench::compact(best->second));
    rows.push_back(std::move(row));
  }
  return accuracies.empty() ? "" : aligned(rows) + "\n";
}

std::string published_text(const StudyReport& report) {
  Rows rows{{"CIFAR-10, 2 classes a device, %", "BN", "LN", "GN", "none", "fixed BN"}};
  for (const auto& p : published()) {
    rows.push_back({p.architecture + ", published", fixed(p.bn, 2), fixed(p.ln, 2), fixed(p.gn, 2),
                    fixed(p.none, 2), fixed(p.fixed_bn, 2)});
    for (const auto& s : report.settings) {
      if (s.cell.model != p.architecture || s.cell.partition != "2cls" || s.cell.data != "cifar10")
        continue;
      std::vector<std::string> row{p.architecture + ", here, " + std::to_string(s.cell.rounds) +
                                   " rounds"};
      for (const char* norm : {"bn(all)", "ln", "gn", "none", "bn(fixbn)"}) {
        const MethodRow* found = s.find(norm);
        for (const auto& method : s.methods) {
          if (method.method.rfind(std::string(norm) + ":", 0) == 0) found = &method;
        }
        row.push_back(found == nullptr ? "–" : percent_pm(found->of(&RunFigures::final)));
      }
      rows.push_back(std::move(row));
    }
  }
  return aligned(rows);
}

std::string map_text(const RegimeMap& map) {
  Rows rows{{"regime", "LN - BN", "GN - BN", "none - BN", "ECS", "M", "norm spread", "best %"}};
  const bool sets = has_several(map, &Cell::data);
  for (const auto& r : map.regimes) {
    const auto& c = r.cell;
    rows.push_back({(sets ? c.data + " " : "") + c.model + " " + c.partition + ", " +
                        std::to_string(c.images) + " images, E " + std::to_string(c.epochs),
                    words(r.ln), words(r.gn), words(r.none), fixed(r.ecs, 3), fixed(r.mismatch, 3),
                    fixed(r.norm_spread, 2), fixed(100 * r.best, 1)});
  }
  std::string out = aligned(rows);
  rows = {{"what tells the sign of LN - BN", "known", "separation", "rank correlation"}};
  for (const auto& p : map.predictors)
    rows.push_back({p.name, p.before_training ? "before training" : "measured",
                    fixed(p.separation, 2), fixed(p.correlation, 2)});
  out += aligned(rows);
  const auto& rule = map.rule;
  if (!rule.fitted) return out + "  rule of thumb: none; it takes regimes of both signs\n";
  return out + "  rule of thumb: " + rule.text + "\n  fitted on " + std::to_string(rule.fitted_on) +
         " regimes (" + std::to_string(rule.fit_errors) + " wrong); on " +
         std::to_string(rule.held_out) + " held out " + std::to_string(rule.held_out_errors) +
         " wrong, always the same answer " + std::to_string(rule.held_out_majority_errors) +
         "; leaving one out " + std::to_string(rule.leave_one_out) + " of " +
         std::to_string(rule.all) + " wrong\n";
}

}  // namespace

std::string to_text(const StudyReport& report) {
  std::string out;
  for (const auto& line : headlines(report)) out += line + "\n";
  out += "\n" + tuning_text(report);
  const bool map = report.settings.size() > 3;
  if (map) out += map_text(report.map) + "\n";
  for (const auto& setting : report.settings) {
    if (!map) out += setting_text(setting) + "\n";
  }
  for (const auto& v : report.verdicts)
    out += v.id + " " + v.judged + ": " + v.claim + "\n   " + v.numbers + "\n";
  if (!report.mismatch_costs.empty()) out += "\n" + aligned(mismatch_table(report));
  if (!report.obliterations.empty()) out += "\n" + aligned(obliteration_table(report));
  out += "\n" + published_text(report) + "\n";
  if (report.train_seconds > 0)
    out += workbench::percent(report.train_seconds / report.seconds) +
           " of the workers' time was training, at " +
           fixed(report.images / report.train_seconds, 0) + " images a second and worker\n";
  for (const auto* all : {&report.tuned, &report.results}) {
    for (const auto& r : *all) {
      if (!r.failure.empty()) out += "failed: " + r.cell.key() + ": " + r.failure + "\n";
      for (const auto& [group, round] : r.alarms)
        out += "alarm: " + r.cell.key() + ": the norm of " + group +
               " grew by more than 1.2 a round for 5 rounds, by round " + fixed(round, 0) + "\n";
    }
  }
  return out;
}

}  // namespace atl::study
