// `atoll simulate FILE.toml`.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {
void add_simulate_verb(CLI::App& app, Verbs& verbs);
}  // namespace atl::workbench
