// A run in a few lines for a terminal, and as one JSON object for a program.
#pragma once

#include <string>
#include <vector>

#include "experiments/report/run_record.h"

namespace atl::workbench {

// At most `width` block characters, low to high; a space where no value is finite. "" for none.
std::string sparkline(const std::vector<double>& values, size_t width);

// Aligned lines, the report's path and the next command among them. Ends with a line break.
std::string terminal_summary(const RunRecord& run, const std::string& report_path);

// One line: run, name, state, rounds, seconds, accuracy, best_accuracy, loss, train_loss, model,
// model_sha256, config_sha256, bytes_down, bytes_up, clients, refusals, damaged_lines, report.
// Figures that are unknown are null.
std::string json_summary(const RunRecord& run, const std::string& report_path);

}  // namespace atl::workbench
