// `atoll advise FILE.toml`.
#pragma once

#include "experiments/verb.h"

namespace atl::study {
void add_advise_verb(CLI::App& app, workbench::Verbs& verbs);
}  // namespace atl::study
