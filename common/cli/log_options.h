// --log LEVEL and --log-format text|json, as every program that serves has them.
#pragma once

#include <CLI/CLI.hpp>

namespace atl::cli {

// They take effect when the command line is parsed.
void add_log_options(CLI::App& app);

}  // namespace atl::cli
