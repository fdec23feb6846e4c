// `atoll bench network`: the federation in bad network weather, over emulated links; and every
// control message lost once.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark network_benchmark();

}  // namespace atl::bench
