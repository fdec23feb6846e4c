// `atoll experiment fl-normalization`.
#pragma once

#include "experiments/verb.h"

namespace atl::study {
void add_fl_normalization(CLI::App& experiment, workbench::Verbs& verbs);
}  // namespace atl::study
