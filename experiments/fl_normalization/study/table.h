// The tables within a cell's result, which are the study's CSV files too.
#pragma once

#include "experiments/report/table.h"

namespace atl::study {

using workbench::Field;
using workbench::Table;

// Columns as in the study's files (README.md tells what they hold).
Table curve_table();
Table ecs_table();
Table bn_table();
Table contrib_table();
Table norms_table();
Table rounds_table();  // per measured round: N_eff, OI

}  // namespace atl::study
