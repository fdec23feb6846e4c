// `atoll bench soak`: one server and thousands of rounds.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark soak_benchmark();

}  // namespace atl::bench
