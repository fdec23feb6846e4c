#include "experiments/fl_normalization/analysis/regimes.h"

#include <algorithm>
#include <cmath>

namespace atl::study {
namespace {

constexpr size_t kLeastRegimes = 6;
constexpr size_t kEvery = 3;  // of so many regimes one is held out

struct Quantity {
  const char* name;
  bool before_training;
  double Regime::*field;
};
constexpr Quantity kQuantities[] = {
    {"local epochs", true, &Regime::local_epochs},
    {"local steps", true, &Regime::local_steps},
    {"images per client", true, &Regime::images},
    {"label skew", true, &Regime::skew},
    {"classes per client", true, &Regime::effective_classes},
    {"norm slots", true, &Regime::depth},
    {"ECS (G_mu) of BN", false, &Regime::ecs},
    {"mismatch M of BN", false, &Regime::mismatch},
    {"norm spread of BN", false, &Regime::norm_spread},
    {"norm spread without a norm", false, &Regime::norm_spread_none},
};

double mean_of(const MethodRow* row, double RunFigures::*field) {
  return row == nullptr ? NAN : mean(row->of(field));
}

std::string group_norm_of(const Setting& setting) {
  for (const auto& row : setting.methods) {
    if (row.method.rfind("gn:", 0) == 0) return row.method;
  }
  return "gn";
}

Regime regime_of(const Setting& setting) {
  Regime r;
  r.cell = setting.cell;
  r.ln = setting.difference("ln", "bn(all)");
  r.gn = setting.difference(group_norm_of(setting), "bn(all)");
  r.none = setting.difference("none", "bn(all)");
  const auto* bn = setting.find("bn(all)");
  r.local_epochs = setting.cell.epochs;
  r.local_steps = setting.cell.local_steps();
  r.images = setting.cell.images;
  if (bn != nullptr) {
    r.skew = bn->runs.front()->skew;
    r.effective_classes = bn->runs.front()->effective_classes;
    r.depth = bn->runs.front()->norm_slots;
  }
  r.ecs = mean_of(bn, &RunFigures::ecs);
  r.mismatch = mean_of(bn, &RunFigures::mismatch);
  r.norm_spread = mean_of(bn, &RunFigures::norm_spread);
  r.norm_spread_none = mean_of(setting.find("none"), &RunFigures::norm_spread);
  r.best = NAN;
  for (const auto& row : setting.methods)
    r.best = std::fmax(r.best, mean_of(&row, &RunFigures::final));
  return r;
}

Predictor predictor_of(const Quantity& quantity, const std::vector<Regime>& regimes) {
  std::vector<double> x, size;
  std::vector<bool> positive;
  for (const auto& regime : regimes) {
    if (std::isnan(regime.*quantity.field)) continue;
    x.push_back(regime.*quantity.field);
    size.push_back(regime.ln.mean);
    positive.push_back(regime.ln.mean > 0);
  }
  return {quantity.name, quantity.before_training, x.size(), separation(x, positive),
          rank_correlation(x, size)};
}

std::vector<Example> examples_of(const std::vector<Regime>& regimes) {
  std::vector<Example> examples;
  for (const auto& regime : regimes)
    examples.push_back({known_before_training(regime), regime.ln.mean > 0});
  return examples;
}

bool gives_a_rule(const std::vector<Example>& all) {
  const auto yes = std::count_if(all.begin(), all.end(), [](const auto& e) { return e.positive; });
  return all.size() >= kLeastRegimes && yes > 0 && static_cast<size_t>(yes) < all.size();
}

RuleOfThumb rule_of(const std::vector<Regime>& regimes) {
  const auto all = examples_of(regimes);
  RuleOfThumb out;
  if (!gives_a_rule(all)) return out;
  std::vector<Example> fit, held;
  for (size_t i = 0; i < all.size(); ++i) (i % kEvery == kEvery - 1 ? held : fit).push_back(all[i]);
  const Rule rule = fit_rule(fit);
  out.fitted = true;
  out.text = rule.text(names_before_training(), "LN", "BN");
  out.fitted_on = fit.size();
  out.fit_errors = errors_of(rule, fit);
  out.held_out = held.size();
  out.held_out_errors = errors_of(rule, held);
  out.held_out_majority_errors = errors_of(fit_rule(fit, 0), held);
  out.leave_one_out = leave_one_out_errors(all);
  out.all = all.size();
  return out;
}

}  // namespace

std::vector<double> known_before_training(const Regime& regime) {
  std::vector<double> values;
  for (const auto& quantity : kQuantities) {
    if (quantity.before_training) values.push_back(regime.*quantity.field);
  }
  return values;
}

std::vector<std::string> names_before_training() {
  std::vector<std::string> names;
  for (const auto& quantity : kQuantities) {
    if (quantity.before_training) names.emplace_back(quantity.name);
  }
  return names;
}

std::optional<Rule> rule_of_all(const RegimeMap& map) {
  const auto all = examples_of(map.regimes);
  if (!gives_a_rule(all)) return std::nullopt;
  return fit_rule(all);
}

bool has_several(const RegimeMap& map, std::string Cell::*what) {
  return std::any_of(map.regimes.begin(), map.regimes.end(), [&](const Regime& regime) {
    return regime.cell.*what != map.regimes.front().cell.*what;
  });
}

RegimeMap regime_map(const std::vector<Setting>& settings) {
  std::vector<Regime> regimes;
  for (const auto& setting : settings) {
    auto regime = regime_of(setting);
    if (!std::isnan(regime.ln.mean)) regimes.push_back(std::move(regime));
  }
  return regime_map(std::move(regimes));
}

RegimeMap regime_map(std::vector<Regime> regimes) {
  RegimeMap map;
  map.regimes = std::move(regimes);
  std::vector<double> differences;
  for (const auto& regime : map.regimes) differences.push_back(regime.ln.mean);
  for (const auto& quantity : kQuantities)
    map.predictors.push_back(predictor_of(quantity, map.regimes));
  const auto strength = [](const Predictor& p) {
    return std::isnan(p.separation) ? -1 : std::abs(p.separation - 0.5);
  };
  std::stable_sort(
      map.predictors.begin(), map.predictors.end(),
      [&](const Predictor& a, const Predictor& b) { return strength(a) > strength(b); });
  map.rule = rule_of(map.regimes);
  map.mean_ln = mean(differences);
  map.interval_ln = bootstrap_interval(differences, 10'000, 0);
  return map;
}

}  // namespace atl::study
