// `atoll inspect FILE.safetensors [--json]`: what is in a model file, and whether it is whole.
#pragma once

#include <iosfwd>
#include <string>

#include "experiments/verb.h"

namespace atl::workbench {

void add_inspect_verb(CLI::App& app, Verbs& verbs);

// Writes the table (or, with `json`, one object on one line) to `out`. kModel when the file is no
// valid safetensors file, or when its data do not have the hash in its header; in the second case
// the table is written first.
Status inspect(const std::string& path, bool json, std::ostream& out);

}  // namespace atl::workbench
