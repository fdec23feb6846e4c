// What the cells of a setting say about its methods: means over seeds, and differences between two
// methods on the same seed (same images, same clients, same initial weights of convolutions).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiments/fl_normalization/analysis/statistics.h"
#include "experiments/fl_normalization/study/cell_result.h"

namespace atl::study {

// Figures of one run. Accuracies in [0, 1]; NaN where a run failed or had none.
struct RunFigures {
  double best = 0, final = 0;     // final: mean of the last five evaluations
  double batch_final = 0;         // the same with batch statistics
  std::vector<double> rounds_to;  // by kTargets: first crossing of a 3-point moving mean
  double area = 0;                // mean over rounds of the curve (trapezoids)
  double recal_final = 0;         // the same after a recalibration
  double n_eff = 0, oi = 0;       // N_eff / K and OI, means over all measured rounds
  double least_retention = 0;     // mean over rounds of the smallest Q of a client
  double ecs = 0;                 // mean G_mu, frame model, before the norm, all rounds
  double mismatch = 0;            // mean M, all rounds and slots
  double norm_spread = 0;         // mean over rounds of the largest nu_max of a client
};
inline constexpr double kTargets[] = {0.25, 0.35, 0.45};
RunFigures figures_of(const CellResult& result);

struct MethodRow {
  std::string method;
  std::vector<const CellResult*> runs;  // by seed
  std::vector<RunFigures> figures;
  size_t failed = 0;
  std::vector<double> of(double RunFigures::*field) const;  // NaNs left out
};

struct Difference {
  std::string method, against;
  std::vector<double> by_seed;  // of final accuracies: in points of a hundred
  double mean = 0;
  Interval interval;  // Student's t over seeds
};

// "+1.2 [-0.4, 2.8]"
std::string words(const Difference& difference, int decimals = 1);

struct Setting {
  std::string name;  // Cell::setting()
  Cell cell;         // any of its cells
  std::vector<MethodRow> methods;
  const MethodRow* find(const std::string& method) const;
  // Over the seeds that both have; `by_seed` is empty where there are none. Of final accuracies in
  // points, or of another figure times `scale`.
  Difference difference(const std::string& method, const std::string& against,
                        double RunFigures::*field = &RunFigures::final, double scale = 100) const;
};

// Results in any order; settings and methods in that of their first appearance, runs by seed.
std::vector<Setting> settings_of(const std::vector<CellResult>& results);

}  // namespace atl::study
