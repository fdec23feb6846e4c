// `atoll bench` lists the benchmarks; `atoll bench NAME [--short] [--json]` runs one. Ends with
// exit status 1 when a bar is missed.
#pragma once

#include <vector>

#include "experiments/bench/bench.h"
#include "experiments/verb.h"

namespace atl::bench {

// The benchmarks of this room (server, wire), followed by `more`: rows from rooms that need
// LibTorch.
void add_bench_verb(CLI::App& app, workbench::Verbs& verbs, std::vector<Benchmark> more = {});

}  // namespace atl::bench
