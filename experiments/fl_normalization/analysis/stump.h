// A decision rule of depth two at most over named numbers: "if E <= 2 then if skew <= 0.4 then BN
// else LN else LN". Fitted by trying every split, so that it is the best of its kind on its
// examples; small enough to be read.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace atl::study {

struct Example {
  std::vector<double> x;  // one value per feature
  bool positive = false;
};

// A leaf, or a split with two branches.
struct Rule {
  bool positive = false;  // of a leaf
  size_t feature = 0;
  double threshold = 0;                   // x <= threshold: low, else high
  std::shared_ptr<const Rule> low, high;  // null: a leaf

  bool operator()(const std::vector<double>& x) const;
  // "E <= 2 ? (skew <= 0.4 ? no : yes) : yes", with the words for the two outcomes.
  std::string text(const std::vector<std::string>& features, const std::string& yes,
                   const std::string& no) const;
};

// The rule with the fewest errors on the examples; of equals the one with fewer splits, then the
// one of the earlier features and lower thresholds. Thresholds lie half-way between values that
// occur. A leaf of a tie says no. `depth`: 0, 1 or 2.
Rule fit_rule(const std::vector<Example>& examples, size_t depth = 2);
size_t errors_of(const Rule& rule, const std::vector<Example>& examples);
// Errors when each example is judged by the rule that the others give.
size_t leave_one_out_errors(const std::vector<Example>& examples, size_t depth = 2);

}  // namespace atl::study
