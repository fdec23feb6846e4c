// `atoll new NAME [--data csv|images|SET] [--model MODEL]`.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {
void add_new_verb(CLI::App& app, Verbs& verbs);
}  // namespace atl::workbench
