// `atoll bench kill`: real processes over mutual TLS, killed and frozen at every named fault point.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark kill_benchmark();

}  // namespace atl::bench
