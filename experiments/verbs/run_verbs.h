// The last step of every program with verbs: parse the command line, run the verb that it chose,
// print its error for a person.
#pragma once

#include "experiments/verb.h"

namespace atl::workbench {

// The exit status (docs/exit-codes.md). `before` runs once the command line is understood; its
// error keeps the verb from running.
int run_verbs(CLI::App& app, const Verbs& verbs, int argc, char** argv,
              const std::function<Status()>& before = {});

}  // namespace atl::workbench
