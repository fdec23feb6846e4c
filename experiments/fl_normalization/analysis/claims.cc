#include "experiments/fl_normalization/analysis/claims.h"

#include <algorithm>
#include <cmath>

namespace atl::study {
namespace {

std::string judged(const Obliteration& o) {
  const int oi = o.oi.interval.side(), n_eff = o.n_eff.interval.side();
  if (oi == 0 && n_eff == 0) return "no difference";
  if (oi == 0 || n_eff == 0 || oi == n_eff) return "mixed";
  return oi > 0 ? "yes" : "reversed";
}

// Ranks of fewer runs agree by chance: of two, always.
constexpr size_t kLeastRuns = 4;

struct Run {
  double mismatch, batch, recalibrated;
};

MismatchCost cost_of(const std::vector<Run>& runs) {
  std::vector<double> mismatch, batch, recalibrated;
  for (const auto& run : runs) {
    mismatch.push_back(run.mismatch);
    batch.push_back(run.batch);
    recalibrated.push_back(run.recalibrated);
  }
  const auto correlation = [&](const std::vector<double>& lost) {
    return runs.size() < kLeastRuns ? NAN : rank_correlation(mismatch, lost);
  };
  return {runs.size(),        mean(mismatch),     mean(batch),
          mean(recalibrated), correlation(batch), correlation(recalibrated)};
}

}  // namespace

std::vector<Obliteration> obliterations(const std::vector<Setting>& settings) {
  std::vector<Obliteration> all;
  for (const auto& setting : settings) {
    if (setting.find("none") == nullptr) continue;
    for (const auto& row : setting.methods) {
      if (row.method == "none") continue;
      const auto against = [&](double RunFigures::*field) {
        return setting.difference("none", row.method, field, 1);
      };
      Obliteration o{&setting,
                     row.method,
                     against(&RunFigures::oi),
                     against(&RunFigures::n_eff),
                     against(&RunFigures::norm_spread),
                     against(&RunFigures::least_retention),
                     ""};
      if (o.oi.by_seed.empty()) continue;
      o.judged = judged(o);
      all.push_back(std::move(o));
    }
  }
  return all;
}

std::vector<MismatchByMethod> mismatch_costs(const std::vector<Setting>& settings) {
  std::vector<Run> together;
  std::vector<std::pair<std::string, std::vector<Run>>> by_method;
  for (const auto& setting : settings) {
    for (const auto& row : setting.methods) {
      for (const auto& f : row.figures) {
        const Run run{f.mismatch, 100 * (f.batch_final - f.final), 100 * (f.recal_final - f.final)};
        // Without running statistics M is 0 by definition, and there is nothing to lose.
        if (!(run.mismatch > 0) || std::isnan(run.batch + run.recalibrated)) continue;
        together.push_back(run);
        auto found = std::find_if(by_method.begin(), by_method.end(),
                                  [&](const auto& entry) { return entry.first == row.method; });
        if (found == by_method.end()) found = by_method.insert(by_method.end(), {row.method, {}});
        found->second.push_back(run);
      }
    }
  }
  std::vector<MismatchByMethod> costs;
  if (together.empty()) return costs;
  costs.push_back({"all of them", cost_of(together)});
  for (const auto& [method, runs] : by_method) costs.push_back({method, cost_of(runs)});
  return costs;
}

}  // namespace atl::study
