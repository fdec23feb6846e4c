// The tables of the report, as HTML. Everything that comes from a file is escaped. Long tables are
// cut, and say so.
#pragma once

#include <string>

#include "experiments/report/run_record.h"

namespace atl::workbench {

// A row a client: what it did, took and gave, over the whole run. "" when no client is known.
std::string client_table(const RunRecord& run);
// Client by class: how many examples. "" when run.json has no table.
std::string partition_table(const RunRecord& run);
// One row for equal refusals of one client. "" when there was none.
std::string refusal_table(const RunRecord& run);
// Every number of the curves. "" when no round was closed.
std::string round_table(const RunRecord& run);

}  // namespace atl::workbench
