// What one cell has given: its file in the study's folder, written whole or not at all.
#pragma once

#include <map>
#include <string>

#include "experiments/fl_normalization/study/cell.h"
#include "experiments/fl_normalization/study/table.h"

namespace atl::study {

struct CellResult {
  Cell cell;
  std::string failure;  // why there is no model, for example a loss that was not finite; else ""
  uint64_t parameters = 0;
  std::string partition_sha256, model_sha256;
  // Before training: mean total variation of the clients' labels to all, and how many classes a
  // client has (exp of the entropy).
  double skew = 0, effective_classes = 0;
  uint32_t norm_slots = 0;
  double seconds = 0, train_seconds = 0;  // whole cell; within the clients' training
  Table curve = curve_table(), ecs = ecs_table(), bn = bn_table(), contrib = contrib_table(),
        norms = norms_table(), rounds = rounds_table();
  std::map<std::string, double> alarms;  // group of weights: the round of the alarm
};

std::string to_json(const CellResult& result);
Result<CellResult> result_from_json(std::string_view text);

// FOLDER/cells/KEY.json
std::string result_path(const std::string& folder, const Cell& cell);
Status write_result(const std::string& folder, const CellResult& result);
// kData, naming the file and what to do, when it is damaged or of another cell.
Result<CellResult> read_result(const std::string& folder, const Cell& cell);

}  // namespace atl::study
