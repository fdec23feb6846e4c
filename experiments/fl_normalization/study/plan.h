// A study's plan: a tier cut to its budget at the speed that this machine has. Made once, kept in
// FOLDER/plan.json, so that a study that was stopped goes on with the very same cells.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiments/fl_normalization/study/cell_result.h"
#include "experiments/fl_normalization/study/tier.h"

namespace atl::study {

// Images a second of one worker, by model and norm ("lenet ln"), while all workers are busy.
using Speeds = std::map<std::string, double>;
std::string speed_key(const Cell& cell);

struct StudyPlan {
  std::string tier;
  double budget_minutes = 0;
  uint32_t workers = 1;
  std::vector<double> grid;
  Speeds speeds;
  std::vector<Cell> tuning;          // every rate of the grid, on the tuning seed
  std::vector<Cell> cells;           // rate 0: that of its tuning group
  std::vector<std::string> reduced;  // what the budget has cut, for the report's first lines
};

// What a cell costs, in images trained on: evaluations and measurements are counted as forward
// passes, a third of an image each.
double work_of(const Cell& cell);
// Seconds of one worker.
double seconds_of(const Cell& cell, const Speeds& speeds);
// Minutes of all workers side by side.
double minutes_of(const StudyPlan& plan);

// Seeds and norms stay; rounds shrink first, in every block alike, then blocks that may go are left
// out. What does not fit even so is planned at its least and said in `reduced`. Models and norms
// that `speeds` does not have are an error: kInternal.
Result<StudyPlan> make_plan(const Tier& tier, const Speeds& speeds, uint32_t workers);

// Whether the plan is the one that the tier gives at the plan's own speeds and workers: not when
// the tier's grid, settings, methods, seeds or budget have changed since.
bool is_of(const StudyPlan& plan, const Tier& tier);

// Cells with the same group are tuned together: one setting (but for its rounds) and norm, which
// all move the best rate; policies and seeds share it.
std::string tuning_group(const Cell& cell);
// The best rate by group: highest mean of the last five evaluations; the lower one of equals.
// Groups whose cells are not all in `tuned` have none. A group of which no run got anywhere has the
// lowest rate.
std::map<std::string, double> best_rates(const StudyPlan& plan,
                                         const std::vector<CellResult>& tuned);
// Mean test accuracy of the last five evaluations; NaN for a run that failed.
double final_accuracy(const CellResult& result);

std::string to_json(const StudyPlan& plan);
Result<StudyPlan> plan_from_json(std::string_view text);

}  // namespace atl::study
