// The map of regimes: where LayerNorm, GroupNorm or no norm does better than BatchNorm, what that
// goes along with, and whether it can be told before training.
#pragma once

#include <string>
#include <vector>

#include "experiments/fl_normalization/analysis/comparison.h"
#include "experiments/fl_normalization/analysis/stump.h"

namespace atl::study {

struct Regime {
  Cell cell;                // its setting
  Difference ln, gn, none;  // against bn(all), in points
  // Known before training.
  double local_epochs = 0, local_steps = 0, images = 0, skew = 0, effective_classes = 0, depth = 0;
  // Measured, of bn(all), mean over seeds; the spread of norms also without a norm.
  double ecs = 0, mismatch = 0, norm_spread = 0, norm_spread_none = 0;
  double best = 0;  // highest mean final accuracy of its methods, in [0, 1]
};

// How well a quantity tells the sign of LN - BN over the map.
struct Predictor {
  std::string name;
  bool before_training = false;
  size_t regimes = 0;      // that have it
  double separation = 0;   // area under the ROC curve; 0.5: nothing. statistics.h
  double correlation = 0;  // Spearman's, with the size of LN - BN
};

struct RuleOfThumb {
  bool fitted = false;  // needs 6 regimes at least, with both signs
  std::string text;
  size_t fitted_on = 0, fit_errors = 0;
  size_t held_out = 0, held_out_errors = 0;  // every third regime of the map
  size_t held_out_majority_errors = 0;       // of always saying what most of the others are
  size_t leave_one_out = 0, all = 0;         // errors over all regimes
};

struct RegimeMap {
  std::vector<Regime> regimes;        // settings that have ln and bn(all)
  std::vector<Predictor> predictors;  // best separation (either way) first
  RuleOfThumb rule;
  // Mean of LN - BN over regimes, and its bootstrap interval over them (10,000 resamples).
  double mean_ln = 0;
  Interval interval_ln;
};

// Whether the map's settings differ in that, so that a regime's name must say it.
bool has_several(const RegimeMap& map, std::string Cell::*what);

RegimeMap regime_map(const std::vector<Setting>& settings);
RegimeMap regime_map(std::vector<Regime> regimes);

// What is known of a regime before training, in the order of names_before_training().
std::vector<double> known_before_training(const Regime& regime);
std::vector<std::string> names_before_training();
// The rule that all regimes give, for use; the map's own is fitted on two thirds of them. Null
// where the map has none.
std::optional<Rule> rule_of_all(const RegimeMap& map);

// Regimes as a file: what `atoll advise` goes by.
std::string to_json(const RegimeMap& map);
Result<RegimeMap> map_from_json(std::string_view text);  // kData when it is not one

}  // namespace atl::study
