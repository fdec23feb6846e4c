// `atoll doctor [FOLDER|FILE.toml]... [--json]`: looks at this machine and at what is named, and
// says of each thing whether it is good, why not, and what to type.
#pragma once

#include "experiments/doctor/folders.h"
#include "experiments/verb.h"

namespace atl::workbench {

// `torch` is asked when the verb runs: seeing devices takes a while.
void add_doctor_verb(CLI::App& app, Verbs& verbs, std::function<TorchFacts()> torch);

// Everything that the verb looks at. kUsage where a path is nothing that it knows.
Result<Findings> examine(const std::vector<std::string>& paths, const TorchFacts& torch,
                         net::WallTime now);

// The error of the first problem, for the exit status; success without one.
Status verdict(const Findings& findings);
std::string to_text(const Findings& findings);
std::string to_json(const Findings& findings);  // one line

}  // namespace atl::workbench
