#include "experiments/fl_normalization/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "experiments/fl_normalization/study/plan.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double mean_of_last(const std::vector<double>& values, size_t most) {
  const size_t count = std::min(most, values.size());
  return mean(std::span(values).subspan(values.size() - count));
}

double first_crossing(const std::vector<double>& rounds, const std::vector<double>& accuracies,
                      double target) {
  for (size_t i = 2; i < accuracies.size(); ++i) {
    if ((accuracies[i] + accuracies[i - 1] + accuracies[i - 2]) / 3 >= target) return rounds[i];
  }
  return kNothing;
}

double area_under(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t i = 1; i < y.size(); ++i) sum += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
  return x.size() > 1 && x.back() > x.front() ? sum / (x.back() - x.front()) : kNothing;
}

double mean_shift(const Table& ecs) {
  std::vector<double> gaps;
  for (size_t i = 0; i < ecs.rows.size(); ++i) {
    if (ecs.text(i, "frame") == "model" && ecs.text(i, "tensor") == "pre")
      gaps.push_back(ecs.number(i, "G_mu"));
  }
  return mean(gaps);
}

// The mean over rounds of the most extreme client's value in a column.
double mean_extreme(const Table& contrib, const char* column, bool largest) {
  std::map<double, std::vector<double>> by_round;
  for (size_t i = 0; i < contrib.rows.size(); ++i) {
    const double value = contrib.number(i, column);
    if (!std::isnan(value)) by_round[contrib.number(i, "round")].push_back(value);
  }
  std::vector<double> extremes;
  for (const auto& [round, values] : by_round) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    extremes.push_back(largest ? *high : *low);
  }
  return mean(extremes);
}

}  // namespace

RunFigures figures_of(const CellResult& result) {
  RunFigures f;
  f.best = f.final = f.batch_final = f.recal_final = f.area = kNothing;
  f.rounds_to.assign(std::size(kTargets), kNothing);
  const auto accuracies = result.curve.numbers("test_acc");
  if (result.failure.empty() && !accuracies.empty()) {
    const auto rounds = result.curve.numbers("round");
    f.best = *std::max_element(accuracies.begin(), accuracies.end());
    f.final = final_accuracy(result);
    f.batch_final = mean_of_last(result.curve.numbers("batch_acc"), 5);
    f.recal_final = mean_of_last(result.curve.numbers("recal_acc"), 5);
    for (size_t t = 0; t < std::size(kTargets); ++t)
      f.rounds_to[t] = first_crossing(rounds, accuracies, kTargets[t]);
    f.area = area_under(rounds, accuracies);
  }
  f.n_eff = mean(result.rounds.numbers("N_eff")) / static_cast<double>(result.cell.cohort);
  f.oi = mean(result.rounds.numbers("OI"));
  f.least_retention = mean_extreme(result.contrib, "Q", false);
  f.ecs = mean_shift(result.ecs);
  f.mismatch = mean(result.bn.numbers("M"));
  f.norm_spread = mean_extreme(result.contrib, "nu_max", true);
  return f;
}

std::vector<double> MethodRow::of(double RunFigures::*field) const {
  std::vector<double> values;
  for (const auto& one : figures) {
    if (!std::isnan(one.*field)) values.push_back(one.*field);
  }
  return values;
}

const MethodRow* Setting::find(const std::string& method) const {
  for (const auto& row : methods) {
    if (row.method == method) return &row;
  }
  return nullptr;
}

Difference Setting::difference(const std::string& method, const std::string& against,
                               double RunFigures::*field, double scale) const {
  Difference out{method, against, {}, kNothing, {kNothing, kNothing}};
  const auto *a = find(method), *b = find(against);
  if (a == nullptr || b == nullptr) return out;
  for (size_t i = 0; i < a->runs.size(); ++i) {
    for (size_t j = 0; j < b->runs.size(); ++j) {
      if (a->runs[i]->cell.seed != b->runs[j]->cell.seed) continue;
      const double by = scale * (a->figures[i].*field - b->figures[j].*field);
      if (!std::isnan(by)) out.by_seed.push_back(by);
    }
  }
  out.mean = mean(out.by_seed);
  out.interval = t_interval(out.by_seed);
  return out;
}

std::string words(const Difference& difference, int decimals) {
  if (difference.by_seed.empty()) return "–";
  auto text = (difference.mean >= 0 ? "+" : "") + workbench::fixed(difference.mean, decimals);
  if (!std::isnan(difference.interval.low))
    text += " [" + workbench::fixed(difference.interval.low, decimals) + ", " +
            workbench::fixed(difference.interval.high, decimals) + "]";
  return text;
}

std::vector<Setting> settings_of(const std::vector<CellResult>& results) {
  std::vector<Setting> settings;
  for (const auto& result : results) {
    const auto name = result.cell.setting();
    auto setting = std::find_if(settings.begin(), settings.end(),
                                [&](const Setting& s) { return s.name == name; });
    if (setting == settings.end()) {
      settings.push_back(Setting{name, result.cell, {}});
      setting = std::prev(settings.end());
    }
    const auto method = result.cell.method();
    auto row = std::find_if(setting->methods.begin(), setting->methods.end(),
                            [&](const MethodRow& r) { return r.method == method; });
    if (row == setting->methods.end()) {
      setting->methods.push_back(MethodRow{method, {}, {}, 0});
      row = std::prev(setting->methods.end());
    }
    row->runs.push_back(&result);
  }
  for (auto& setting : settings) {
    for (auto& row : setting.methods) {
      std::sort(row.runs.begin(), row.runs.end(),
                [](const auto* a, const auto* b) { return a->cell.seed < b->cell.seed; });
      for (const auto* run : row.runs) {
        row.figures.push_back(figures_of(*run));
        row.failed += run->failure.empty() ? 0 : 1;
      }
    }
  }
  return settings;
}

}  // namespace atl::study
