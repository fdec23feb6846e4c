// The figures and tables of a comparison, for its page, a terminal and files.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/comparison.h"
#include "experiments/report/figures.h"
#include "experiments/report/table.h"

namespace atl::workbench {

// Six: accuracy, loss, train-loss, by round and then by traffic (accuracy-by-bytes, ...). A line a
// group: of several runs the mean at the rounds that all have, with a band of one standard
// deviation. At most kMostSeries lines, those with the best accuracy.
std::vector<Figure> figures_of(const Comparison& comparison);
bool figures_leave_some_out(const Comparison& comparison);

// For a person: "91.20 % ± 0.31", "12", "–"; of a group with several runs, "(2 of 3)" where some
// have no value.
std::string shown(const Comparison& comparison, const RunGroup& group, RunValue value, Unit unit);

struct ShownTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};
// A row a group: run, n, rounds, accuracies, rounds and bytes to the target, loss, traffic, time.
ShownTable outcome_table(const Comparison& comparison);
// A row a run, whether grouped or not.
ShownTable run_table(const Comparison& comparison);
// A row a key that differs, a column a run; long values are cut.
ShownTable difference_table(const Comparison& comparison);

}  // namespace atl::workbench
