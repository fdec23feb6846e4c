// `atoll bench watch`: what a hundred open status pages cost the round loop.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark watch_benchmark();

}  // namespace atl::bench
