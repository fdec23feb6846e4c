// Results of cells made by hand: a curve that ends at an accuracy.
#pragma once

#include "experiments/fl_normalization/study/cell_result.h"

namespace atl::study::testing {

inline CellResult made(const Cell& cell, const std::vector<double>& accuracies) {
  CellResult r;
  r.cell = cell;
  for (size_t i = 0; i < accuracies.size(); ++i) {
    r.curve.add({static_cast<double>(i), 100.0 * static_cast<double>(i), 0.0, 0.0, 50.0,
                 accuracies[i], 1.0, accuracies[i], accuracies[i], NAN, NAN});
  }
  r.seconds = 4;
  r.train_seconds = 3;
  return r;
}

inline CellResult made(Cell cell, const std::string& norm, uint64_t seed, double accuracy,
                       const std::string& policy = "all") {
  cell.norm = norm;
  cell.seed = seed;
  cell.policy = policy;
  return made(cell, {0.1, accuracy, accuracy, accuracy, accuracy, accuracy});
}

inline CellResult failed(Cell cell, const std::string& norm, uint64_t seed) {
  cell.norm = norm;
  cell.seed = seed;
  CellResult r;
  r.cell = cell;
  r.failure = "the loss is not finite in round 2, step 7";
  return r;
}

}  // namespace atl::study::testing
