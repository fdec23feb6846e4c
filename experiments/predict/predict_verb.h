// `atoll predict MODEL [INPUT...] --data FILE.toml|SET`.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {
void add_predict_verb(CLI::App& app, Verbs& verbs);
}  // namespace atl::workbench
