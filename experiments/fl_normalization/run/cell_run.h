// Runs one cell: a federation in this process over the real server and client loops, observed.
#pragma once

#include <optional>

#include "experiments/fl_normalization/run/study_data.h"
#include "experiments/fl_normalization/study/cell_result.h"

namespace atl::study {

struct CellOptions {
  std::string scratch;         // a folder for the run; emptied before and removed afterwards
  std::string device = "cpu";  // client/torch_trainer.h
  // Clients join in an order drawn from this seed; nothing of the result depends on it.
  std::optional<uint64_t> shuffle_arrival{};
};

// One thread of arithmetic. A run that training itself ended (a loss that is not finite) is a
// result with a failure; any other error is an error. kConfig when the cell cannot be run as it
// says, kInterrupted on SIGINT or SIGTERM.
Result<CellResult> run_cell(const Cell& cell, StudyData& data, const CellOptions& options);

}  // namespace atl::study
