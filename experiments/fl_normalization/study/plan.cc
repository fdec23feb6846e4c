#include "experiments/fl_normalization/study/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "experiments/report/text.h"

namespace atl::study {
namespace {

// Of one measured round, in forward passes: per client 1,500 images of probes and 2,000 scored.
constexpr double kMeasuredPasses = 3500, kEvaluatedPasses = 2000, kLastPasses = 9488;

uint32_t rounds_of(const Block& block, double scale) {
  const auto images = static_cast<double>(block.images) * scale;
  const auto rounds = images / static_cast<double>(block.base.images_per_round());
  return static_cast<uint32_t>(
      std::clamp(rounds, static_cast<double>(block.least_rounds),
                 static_cast<double>(std::max(block.least_rounds, block.most_rounds))));
}

Cell shaped(const Block& block, double scale) {
  Cell cell = block.base;
  cell.rounds = rounds_of(block, scale);
  cell.measure_every = std::max(1U, cell.rounds / std::max(1U, block.measures));
  cell.evaluate_every = std::max(1U, cell.rounds / 12);
  return cell;
}

void add_block(const Block& block, const Tier& tier, double scale, StudyPlan& plan) {
  const Cell shape = shaped(block, scale);
  for (const uint64_t seed : block.seeds) {
    for (const auto& method : block.methods) {
      Cell cell = shape;
      cell.seed = seed;
      cell.norm = method.norm;
      cell.policy = method.policy;
      cell.rate = 0;
      plan.cells.push_back(cell);
    }
  }
  std::set<std::string> known;
  for (const auto& cell : plan.tuning) known.insert(tuning_group(cell));
  for (const auto& method : block.methods) {
    Cell cell = shape;
    cell.norm = method.norm;
    cell.seed = tier.tuning_seed;
    cell.rounds = std::max(
        block.least_rounds,
        static_cast<uint32_t>(std::lround(tier.tuning_share * static_cast<double>(shape.rounds))));
    cell.measure_every = 0;
    cell.evaluate_every = cell.rounds;  // the last five are always evaluated
    if (!known.insert(tuning_group(cell)).second) continue;
    for (const double rate : tier.grid) {
      cell.rate = rate;
      plan.tuning.push_back(cell);
    }
  }
}

StudyPlan plan_at(const Tier& tier, const Speeds& speeds, uint32_t workers, double scale,
                  bool with_all) {
  StudyPlan plan{tier.name, tier.budget_minutes, workers, tier.grid, speeds, {}, {}, {}};
  for (const auto& block : tier.blocks) {
    if (with_all || !block.may_go) add_block(block, tier, scale, plan);
  }
  // Seed by seed, so that a study which is stopped early has every method of the first one.
  std::stable_sort(plan.cells.begin(), plan.cells.end(),
                   [](const Cell& a, const Cell& b) { return a.seed < b.seed; });
  return plan;
}

// The largest scale that fits, of 1, 0.95, 0.9, ... of what is asked for; 0 when none does.
double fitting_scale(const Tier& tier, const Speeds& speeds, uint32_t workers, bool with_all) {
  for (double scale = 1; scale > 0.02; scale -= scale > 0.2 ? 0.05 : 0.01) {
    if (minutes_of(plan_at(tier, speeds, workers, scale, with_all)) <= tier.budget_minutes)
      return scale;
  }
  return 0;
}

void note_reductions(const Tier& tier, double scale, bool with_all, StudyPlan& plan) {
  for (const auto& block : tier.blocks) {
    if (block.may_go && !with_all) {
      plan.reduced.push_back("the block " + block.name + " was left out");
      continue;
    }
    const auto wanted = rounds_of(block, 1), got = rounds_of(block, scale);
    if (got < wanted)
      plan.reduced.push_back(block.name + ": " + std::to_string(got) + " rounds instead of " +
                             std::to_string(wanted));
  }
}

}  // namespace

std::string speed_key(const Cell& cell) { return cell.model + " " + cell.norm; }

double work_of(const Cell& cell) {
  const bool statistics = cell.norm.rfind("bn", 0) == 0 && cell.measure_every > 0;
  double passes = 0;
  for (uint32_t round = 0; round <= cell.rounds; ++round) {
    const double images = evaluated_on_all(cell, round) ? kLastPasses : kEvaluatedPasses;
    if (evaluated(cell, round)) passes += images * (statistics ? 3 : 1);
    if (measured(cell, round)) passes += kMeasuredPasses * static_cast<double>(cell.cohort);
  }
  return static_cast<double>(cell.images_in_all()) + passes / 3;
}

double seconds_of(const Cell& cell, const Speeds& speeds) {
  const auto found = speeds.find(speed_key(cell));
  return found == speeds.end() ? std::numeric_limits<double>::quiet_NaN()
                               : work_of(cell) / found->second;
}

double minutes_of(const StudyPlan& plan) {
  double seconds = 0;
  for (const auto& cell : plan.tuning) seconds += seconds_of(cell, plan.speeds);
  for (const auto& cell : plan.cells) seconds += seconds_of(cell, plan.speeds);
  return seconds / 60 / static_cast<double>(std::max(1U, plan.workers));
}

Result<StudyPlan> make_plan(const Tier& tier, const Speeds& speeds, uint32_t workers) {
  if (std::isnan(minutes_of(plan_at(tier, speeds, workers, 1, true))))
    return Error(ErrorCode::kInternal,
                 "a model or norm of the tier " + tier.name + " was not measured before planning");
  const bool can_shrink = std::any_of(tier.blocks.begin(), tier.blocks.end(),
                                      [](const Block& block) { return block.may_go; });
  bool with_all = true;
  double scale = fitting_scale(tier, speeds, workers, true);
  if (scale == 0 && can_shrink) {
    with_all = false;
    scale = fitting_scale(tier, speeds, workers, false);
  }
  auto plan = plan_at(tier, speeds, workers, std::max(scale, 0.02), with_all);
  note_reductions(tier, std::max(scale, 0.02), with_all, plan);
  if (scale == 0)
    plan.reduced.push_back("even so the plan takes about " +
                           workbench::human_seconds(60 * minutes_of(plan)) +
                           ", more than the budget: fewer rounds would say nothing");
  return plan;
}

std::string tuning_group(const Cell& cell) { return cell.shape() + " " + cell.norm; }

double final_accuracy(const CellResult& result) {
  constexpr size_t kLast = 5;
  const auto accuracies = result.curve.numbers("test_acc");
  if (!result.failure.empty() || accuracies.empty())
    return std::numeric_limits<double>::quiet_NaN();
  const size_t count = std::min(kLast, accuracies.size());
  double sum = 0;
  for (size_t i = accuracies.size() - count; i < accuracies.size(); ++i) sum += accuracies[i];
  return sum / static_cast<double>(count);
}

std::map<std::string, double> best_rates(const StudyPlan& plan,
                                         const std::vector<CellResult>& tuned) {
  std::map<std::string, std::map<double, double>> accuracies;  // group: rate: accuracy
  for (const auto& result : tuned)
    accuracies[tuning_group(result.cell)][result.cell.rate] = final_accuracy(result);
  std::map<std::string, double> best;
  for (const auto& [group, by_rate] : accuracies) {
    if (by_rate.size() < plan.grid.size()) continue;
    double rate = by_rate.begin()->first, highest = -1;
    for (const auto& [candidate, accuracy] : by_rate) {
      if (accuracy > highest) {  // false for NaN
        rate = candidate;
        highest = accuracy;
      }
    }
    best[group] = rate;
  }
  return best;
}

}  // namespace atl::study
