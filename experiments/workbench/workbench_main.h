// The whole workbench as a function, for a program that adds models or norms of its own
// (docs/own_model.md). Torch-free header.
#pragma once

namespace atl::workbench {

// Parses the command line, runs the verb, prints errors for a person; the exit status
// (docs/exit-codes.md).
int workbench_main(int argc, char** argv);

}  // namespace atl::workbench
