// A report's figures and numbers as files for a paper or a spreadsheet: each figure as an SVG with
// colours of its own, each table and series as CSV. figures.csv lists them.
#pragma once

#include <string>

#include "experiments/report/comparison.h"

namespace atl::workbench {

// Figures without a finite point, and tables without a row, are left out. Files of an earlier
// export are written anew. kUsage when the folder holds something else; kIo when it cannot be
// written.
Status export_report(const RunRecord& run, const std::string& folder);
Status export_report(const Comparison& comparison, const std::string& folder);

}  // namespace atl::workbench
