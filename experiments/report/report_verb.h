// `atoll report RUN... [--out FILE.html] [--target SHARE] [--export FOLDER] [--json]`: the page and
// the summary of a run, or of several side by side.
#pragma once

#include <string>

#include "experiments/verb.h"

namespace atl::workbench {

void add_report_verb(CLI::App& app, Verbs& verbs);

// Writes RUN/report.html, or `page_path` where one is given, atomically; returns the path. kIo when
// the folder holds no run or the page cannot be written; kUsage when the path holds something that
// is not a page of Atoll's.
Result<std::string> write_report(const std::string& run_folder, const std::string& page_path = {});

}  // namespace atl::workbench
