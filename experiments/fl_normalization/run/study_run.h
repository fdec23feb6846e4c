// Runs a study: its cells side by side, each result a file as soon as it is there. A study that was
// stopped at any moment goes on with the cells that have no file.
#pragma once

#include <functional>
#include <memory>

#include "experiments/fl_normalization/output/study_report.h"
#include "experiments/fl_normalization/run/study_data.h"

namespace atl::study {

struct StudyOptions {
  std::string folder;  // plan.json, cells/, and the files of the report
  std::string device = "cpu";
  double pause_after_minutes = 0;  // begin no cell after so long; 0: go on to the end
  std::function<void(const std::string&)> say = [](const std::string&) {};  // from any thread
};

// The plan in the folder, or a new one, which is written there. kConfig when the folder has the
// plan of another tier, or of this one before it was changed (is_of()).
Result<StudyPlan> plan_of(const Tier& tier, StudyData& data, uint32_t workers,
                          const StudyOptions& options);

// Tuning first, then the cells, with the rates that were found. Returns what there is when the time
// to pause has come. kInterrupted on SIGINT or SIGTERM.
Result<std::unique_ptr<StudyReport>> run_study(const StudyPlan& plan, StudyData& data,
                                               const StudyOptions& options);

}  // namespace atl::study
