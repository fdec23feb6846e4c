// `atoll experiment two-devices`.
#pragma once

#include "experiments/verb.h"

namespace atl::study {
void add_two_devices(CLI::App& experiment, workbench::Verbs& verbs);
}  // namespace atl::study
