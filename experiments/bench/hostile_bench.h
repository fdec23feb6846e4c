// `atoll bench hostile`: the real atoll-server process over mutual TLS with honest clients in it,
// and next to them every case of experiments/bench/hostile/: each has to get the refusal that it is
// named with, the models have to be those of a run without attackers, bit for bit, the server's
// memory has to stay where it was, and the honest clients' rounds have to take as long as before.
//
// The full form attacks in every second block of ten rounds, again and again, and compares the
// rounds of the two kinds of block. The short form goes through the cases once, and measures no
// times: its rounds are made to last as long as the cases.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark hostile_benchmark();

}  // namespace atl::bench
