// A study as a page (study_report.h): the look and the drawing of a run's report.
#include <algorithm>
#include <cmath>

#include "experiments/fl_normalization/output/study_report.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/page_parts.h"
#include "experiments/report/page_style.h"
#include "experiments/report/svg_chart.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

using workbench::escape_html;
using workbench::fixed;

// The mean over seeds, at the rounds that all have.
workbench::ChartSeries mean_curve(const MethodRow& method, const char* column) {
  std::map<double, std::vector<double>> by_round;
  for (const auto* run : method.runs) {
    for (size_t i = 0; i < run->curve.rows.size(); ++i)
      by_round[run->curve.number(i, "round")].push_back(run->curve.number(i, column));
  }
  workbench::ChartSeries series{method.method, {}};
  for (const auto& [round, values] : by_round) {
    if (values.size() == method.runs.size()) series.points.push_back({round, mean(values)});
  }
  return series;
}

// Mean over layers (and seeds) of a column of the shift, same images through every client's model.
workbench::ChartSeries shift_curve(const MethodRow& method, const char* column) {
  std::map<double, std::vector<double>> by_round;
  for (const auto* run : method.runs) {
    for (size_t i = 0; i < run->ecs.rows.size(); ++i) {
      if (run->ecs.text(i, "frame") == "model" && run->ecs.text(i, "tensor") == "pre")
        by_round[run->ecs.number(i, "round")].push_back(run->ecs.number(i, column));
    }
  }
  workbench::ChartSeries series{method.method, {}};
  for (const auto& [round, values] : by_round) series.points.push_back({round, mean(values)});
  return series;
}

std::string figure(const std::string& title, workbench::LineChart chart) {
  chart.label = title + " by round";
  return "<figure><figcaption><b>" + escape_html(title) + "</b></figcaption>" + draw(chart) +
         "</figure>\n";
}

std::string setting_section(const Setting& setting) {
  constexpr size_t kLines = 4;  // the page has four colours
  workbench::LineChart accuracy{.unit = workbench::Unit::kPercent, .ceiling = 1, .series = {}};
  workbench::LineChart shift{.from_zero = true, .series = {}};
  for (size_t i = 0; i < std::min(kLines, setting.methods.size()); ++i) {
    accuracy.series.push_back(mean_curve(setting.methods[i], "test_acc"));
    shift.series.push_back(shift_curve(setting.methods[i], "G_mu"));
  }
  const std::string which = setting.methods.size() > kLines ? "; the first four methods" : "";
  std::vector<std::vector<std::string>> rows;
  for (const auto& m : setting.methods) {
    const auto ecs = m.of(&RunFigures::ecs), n_eff = m.of(&RunFigures::n_eff);
    rows.push_back({m.method, workbench::compact(m.runs.front()->cell.rate),
                    std::to_string(m.runs.size() - m.failed) + "/" + std::to_string(m.runs.size()),
                    percent_pm(m.of(&RunFigures::final)), percent_pm(m.of(&RunFigures::best)),
                    m.method == "bn(all)" ? "" : words(setting.difference(m.method, "bn(all)")),
                    n_eff.empty() ? "–" : fixed(mean(n_eff), 2),
                    ecs.empty() ? "–" : fixed(mean(ecs), 3)});
  }
  return workbench::page_section(
      words(setting.cell),
      "<div class=\"charts\">" + figure("Test accuracy, mean over seeds" + which, accuracy) +
          figure("External covariate shift G_mu, mean over layers" + which, shift) + "</div>" +
          workbench::page_table({"method", "lr", "runs", "final %", "best %",
                                 "against bn(all), points [95 %]", "N_eff / K", "ECS"},
                                rows));
}

// Rows: partition; columns: images and local epochs.
std::string heat_of(const RegimeMap& map, const std::string& title,
                    Difference Regime::*difference) {
  workbench::HeatMap heat;
  heat.corner = "partition";
  std::map<std::pair<std::string, std::string>, workbench::HeatCell> cells;
  const auto place = [](std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  const bool sets = has_several(map, &Cell::data), models = has_several(map, &Cell::model);
  for (const auto& regime : map.regimes) {
    const auto& c = regime.cell;
    const auto& d = regime.*difference;
    const auto r = (sets ? c.data + " " : "") + (models ? c.model + " " : "") + c.partition;
    const auto column = std::to_string(c.images) + " img, E " + std::to_string(c.epochs);
    place(heat.rows, r);
    place(heat.columns, column);
    cells[{r, column}] = {d.mean, words(d), d.interval.side() != 0};
  }
  bool any = false;
  for (const auto& r : heat.rows) {
    auto& line = heat.cells.emplace_back();
    for (const auto& column : heat.columns) {
      const auto found = cells.find({r, column});
      line.push_back(found == cells.end() ? workbench::HeatCell{NAN, "", false} : found->second);
      any = any || std::isfinite(line.back().value);
    }
  }
  if (!any) return "";
  return "<figure><figcaption><b>" + escape_html(title) + "</b></figcaption>" + draw(heat) +
         "</figure>";
}

std::string map_section(const RegimeMap& map) {
  std::string out = heat_of(map, "LN - BN, points", &Regime::ln) +
                    heat_of(map, "GN - BN, points", &Regime::gn) +
                    heat_of(map, "no norm - BN, points", &Regime::none) +
                    "<p class=\"soft\">Means over seeds; faint: the 95 % interval holds zero.</p>";
  std::vector<std::vector<std::string>> rows;
  for (const auto& p : map.predictors)
    rows.push_back({p.name, p.before_training ? "before training" : "measured",
                    fixed(p.separation, 2), fixed(p.correlation, 2)});
  out += workbench::page_table(
      {"what tells the sign of LN - BN", "known", "separation", "rank correlation"}, rows);
  const auto& rule = map.rule;
  if (rule.fitted)
    out += "<p>Rule of thumb: <code>" + escape_html(rule.text) + "</code>. Wrong on " +
           std::to_string(rule.fit_errors) + " of the " + std::to_string(rule.fitted_on) +
           " regimes that it was fitted on, on " + std::to_string(rule.held_out_errors) + " of " +
           std::to_string(rule.held_out) +
           " held out (always the same answer: " + std::to_string(rule.held_out_majority_errors) +
           "), leaving one out on " + std::to_string(rule.leave_one_out) + " of " +
           std::to_string(rule.all) + ".</p>";
  return out;
}

std::string claim_section(const std::string& title, TextTable rows) {
  if (rows.size() < 2) return "";
  const auto head = std::move(rows.front());
  rows.erase(rows.begin());
  return workbench::page_section(title, workbench::page_table(head, rows));
}

std::string verdict_section(const StudyReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : report.verdicts) rows.push_back({v.id, v.claim, v.judged});
  std::string out = workbench::page_table({"", "direction published", "here"}, rows) + "<ul>";
  for (const auto& v : report.verdicts)
    out += "<li class=\"soft\">" + escape_html(v.id + ": " + v.numbers) + "</li>";
  return out + "</ul>";
}

}  // namespace

std::string to_page(const StudyReport& report) {
  std::string out = workbench::page_head("Normalization in federated learning – Atoll");
  out +=
      "<header><div class=\"eyebrow\">Atoll study</div>"
      "<h1>Normalization in federated learning</h1><div class=\"notes\"><ul>";
  for (const auto& line : headlines(report)) out += "<li>" + escape_html(line) + "</li>";
  out += "</ul></div></header>\n";
  const bool map = report.settings.size() > 3;
  if (map) out += workbench::page_section("The map of regimes", map_section(report.map));
  out += workbench::page_section("Directions of Du et al. 2022", verdict_section(report));
  out += claim_section("What the mismatch of stored statistics costs", mismatch_table(report));
  out += claim_section("Are contributions obliterated without a norm?", obliteration_table(report));
  for (const auto& setting : report.settings) out += setting_section(setting);
  out += workbench::page_section(
      "Everything as text",
      "<div class=\"scroll\"><pre>" + escape_html(to_text(report)) + "</pre></div>");
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace atl::study
