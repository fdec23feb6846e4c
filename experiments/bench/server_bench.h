// `atoll bench server`: the real atoll-server process under scripted clients over mutual TLS.
// Memory against the number of clients, processor time per aggregated gigabyte, round times, bytes
// on the wire, start-up and size.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark server_benchmark();

}  // namespace atl::bench
