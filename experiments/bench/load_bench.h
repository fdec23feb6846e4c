// `atoll bench load`: one server and up to thousands of connections.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark load_benchmark();

}  // namespace atl::bench
