// `atoll experiment NAME`: experiments that reproduce or question a paper, each with files of its
// own.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {
void add_experiment_verb(CLI::App& app, Verbs& verbs);
}  // namespace atl::workbench
