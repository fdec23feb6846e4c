// `atoll data list|get|verify|partition`.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {

void add_data_verb(CLI::App& app, Verbs& verbs);

}  // namespace atl::workbench
