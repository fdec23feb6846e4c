#include "experiments/fl_normalization/analysis/verdicts.h"

#include <cmath>
#include <functional>
#include <limits>

#include "experiments/report/text.h"

namespace atl::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kHolds = "holds";
constexpr const char* kNot = "does not hold";
constexpr const char* kUntested = "not tested";

// Twice chance on ten classes. Below it, differences are of networks that have hardly begun.
constexpr double kLearnt = 0.2;
bool has_learnt(const Setting& setting) {
  for (const auto& row : setting.methods)
    for (const double final : row.of(&RunFigures::final))
      if (final > kLearnt) return true;
  return false;
}

std::string points(double value) {
  return (value >= 0 ? "+" : "") + workbench::fixed(value, 1) + " points";
}

// The first method of this norm, whatever its arguments: "gn:2" for "gn".
std::string method_of(const Setting& setting, const std::string& norm) {
  for (const auto& row : setting.methods) {
    const auto& name = row.method;
    if (name == norm || name.rfind(norm + ":", 0) == 0 || name == norm + "(all)") return name;
  }
  return "";
}

// Mean difference of two norms in points; NaN where one was not run.
double gap(const Setting& setting, const std::string& norm, const std::string& against) {
  const auto a = method_of(setting, norm), b = method_of(setting, against);
  return a.empty() || b.empty() ? kNothing : setting.difference(a, b).mean;
}

using Judge = std::function<bool(const Setting&, double)>;
Verdict over_settings(std::string id, std::string claim, const std::vector<Setting>& settings,
                      const std::function<double(const Setting&)>& figure, const Judge& good) {
  Verdict verdict{std::move(id), std::move(claim), kUntested, ""};
  for (const auto& setting : settings) {
    const double value = setting.cell.partition == "2cls" ? figure(setting) : kNothing;
    if (std::isnan(value)) continue;
    if (!has_learnt(setting)) {
      verdict.numbers += (verdict.numbers.empty() ? "" : "; ") + setting.name +
                         ": no norm learnt more than chance";
      continue;
    }
    if (verdict.judged == kUntested) verdict.judged = kHolds;
    if (!good(setting, value)) verdict.judged = kNot;
    verdict.numbers += (verdict.numbers.empty() ? "" : "; ") + setting.name + ": " + points(value);
  }
  if (verdict.numbers.empty()) verdict.numbers = "no setting has what it takes";
  return verdict;
}

bool is_plain_deep(const Setting& s) { return s.cell.model.rfind("vgg", 0) == 0; }
bool is_residual(const Setting& s) { return s.cell.model.rfind("resnet", 0) == 0; }

// D5: rounds to 35 % of LN over the fewest of the others; <= 1 where LN is first.
Verdict fewest_rounds(const std::vector<Setting>& settings) {
  Verdict verdict{"D5", "LN needs the fewest rounds to 35 %", kUntested, ""};
  for (const auto& setting : settings) {
    const auto* ln = setting.find("ln");
    if (setting.cell.partition != "2cls" || ln == nullptr) continue;
    const auto rounds = [](const MethodRow& row) {
      double sum = 0;
      for (const auto& one : row.figures) sum += one.rounds_to[1];  // NaN: one never got there
      return sum / static_cast<double>(row.figures.size());
    };
    bool first = !std::isnan(rounds(*ln)), any = first;
    std::string numbers;
    for (const auto& row : setting.methods) {
      const double own = rounds(row);
      any = any || !std::isnan(own);
      numbers +=
          (numbers.empty() ? "" : ", ") + row.method + " " +
          (std::isnan(own) ? ">" + std::to_string(setting.cell.rounds) : workbench::fixed(own, 1));
      if (own < rounds(*ln)) first = false;
    }
    if (!any) continue;
    if (verdict.judged == kUntested) verdict.judged = kHolds;
    if (!first) verdict.judged = kNot;
    verdict.numbers += (verdict.numbers.empty() ? "" : "; ") + setting.name + ": " + numbers;
  }
  if (verdict.judged == kUntested) verdict.numbers = "no run got to 35 %";
  return verdict;
}

}  // namespace

std::vector<Verdict> verdicts(const std::vector<Setting>& settings) {
  std::vector<Verdict> all;
  all.push_back(over_settings(
      "D1", "LN >= GN - 1 point on every architecture", settings,
      [](const auto& s) { return gap(s, "ln", "gn"); },
      [](const auto&, double value) { return value >= -1; }));
  all.push_back(over_settings(
      "D2", "LN - BN >= +8 points on every architecture", settings,
      [](const auto& s) { return gap(s, "ln", "bn"); },
      [](const auto&, double value) { return value >= 8; }));
  all.push_back(over_settings(
      "D3", "no norm against LN: <= -8 points on a plain deep net, >= -1 with residual paths",
      settings,
      [](const auto& s) {
        return is_plain_deep(s) || is_residual(s) ? gap(s, "none", "ln") : kNothing;
      },
      [](const auto& s, double value) { return is_residual(s) ? value >= -1 : value <= -8; }));
  all.push_back(over_settings(
      "D4", "freezing BN's statistics changes less than 1 point", settings,
      [](const auto& s) {
        for (const char* fixed : {"bn(fixbn)", "bn_fixed(all)"}) {
          if (s.find(fixed) != nullptr) return s.difference(fixed, "bn(all)").mean;
        }
        return kNothing;
      },
      [](const auto&, double value) { return std::abs(value) < 1; }));
  all.push_back(fewest_rounds(settings));
  return all;
}

const std::vector<Published>& published() {
  static const std::vector<Published> kTable{{"vgg11", 51.56, 63.52, 63.10, 36.51, 50.93},
                                             {"resnet18", 34.38, 59.70, 59.01, 60.73, 33.85},
                                             {"lenet", 33.29, 52.02, 50.86, 49.96, 33.66}};
  return kTable;
}

}  // namespace atl::study
