// A verb of the workbench: `atoll simulate`, `atoll data get`, ... Each verb is one file with a
// function add_NAME_verb(app, verbs) that declares its options and says what to run; main.cc lists
// them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

#include "common/core/result.h"

namespace atl::workbench {

// The app that the command line chose is run; its error becomes the message and the exit status.
struct Verb {
  CLI::App* app = nullptr;
  std::function<Status()> run;
};
using Verbs = std::vector<Verb>;

}  // namespace atl::workbench
