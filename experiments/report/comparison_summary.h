// Several runs in a few lines for a terminal, and as one JSON object for a program.
#pragma once

#include <string>

#include "experiments/report/comparison.h"

namespace atl::workbench {

// A row a run with its accuracy by round, then a row for each group of several; what differs; the
// page. Ends with a line break.
std::string terminal_summary(const Comparison& comparison, const std::string& report_path);

// One line: runs, groups, target, target_rule, differences, same_keys, notes, report. Figures that
// are unknown are null.
std::string json_summary(const Comparison& comparison, const std::string& report_path);

}  // namespace atl::workbench
