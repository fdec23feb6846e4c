#include "experiments/fl_normalization/analysis/stump.h"

#include <algorithm>

#include "experiments/report/text.h"

namespace atl::study {
namespace {

size_t splits_of(const Rule& rule) {
  return rule.low == nullptr ? 0 : 1 + splits_of(*rule.low) + splits_of(*rule.high);
}

Rule leaf(const std::vector<Example>& examples) {
  const auto yes = std::count_if(examples.begin(), examples.end(),
                                 [](const Example& example) { return example.positive; });
  return Rule{2 * static_cast<size_t>(yes) > examples.size(), 0, 0, nullptr, nullptr};
}

std::vector<double> thresholds(const std::vector<Example>& examples, size_t feature) {
  std::vector<double> values, out;
  for (const auto& example : examples) values.push_back(example.x[feature]);
  std::sort(values.begin(), values.end());
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] > values[i - 1]) out.push_back((values[i] + values[i - 1]) / 2);
  }
  return out;
}

}  // namespace

bool Rule::operator()(const std::vector<double>& x) const {
  if (low == nullptr) return positive;
  return x[feature] <= threshold ? (*low)(x) : (*high)(x);
}

std::string Rule::text(const std::vector<std::string>& features, const std::string& yes,
                       const std::string& no) const {
  if (low == nullptr) return positive ? yes : no;
  const auto branch = [&](const Rule& rule) {
    const auto words = rule.text(features, yes, no);
    return rule.low == nullptr ? words : "(" + words + ")";
  };
  return features[feature] + " <= " + workbench::compact(threshold) + " ? " + branch(*low) + " : " +
         branch(*high);
}

size_t errors_of(const Rule& rule, const std::vector<Example>& examples) {
  return static_cast<size_t>(
      std::count_if(examples.begin(), examples.end(),
                    [&](const Example& example) { return rule(example.x) != example.positive; }));
}

Rule fit_rule(const std::vector<Example>& examples, size_t depth) {
  Rule best = leaf(examples);
  size_t fewest = errors_of(best, examples);
  if (depth == 0 || fewest == 0) return best;
  for (size_t feature = 0; feature < examples.front().x.size(); ++feature) {
    for (const double threshold : thresholds(examples, feature)) {
      std::vector<Example> low, high;
      for (const auto& example : examples)
        (example.x[feature] <= threshold ? low : high).push_back(example);
      Rule rule{false, feature, threshold, std::make_shared<Rule>(fit_rule(low, depth - 1)),
                std::make_shared<Rule>(fit_rule(high, depth - 1))};
      const size_t errors = errors_of(rule, examples);
      if (errors < fewest || (errors == fewest && splits_of(rule) < splits_of(best))) {
        best = std::move(rule);
        fewest = errors;
      }
    }
  }
  return best;
}

size_t leave_one_out_errors(const std::vector<Example>& examples, size_t depth) {
  size_t errors = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    auto others = examples;
    others.erase(others.begin() + static_cast<ptrdiff_t>(i));
    if (others.empty()) continue;
    errors += fit_rule(others, depth)(examples[i].x) != examples[i].positive ? 1 : 0;
  }
  return errors;
}

}  // namespace atl::study
