// `atoll bench server`: the real atoll-server process under scripted clients over mutual TLS.
// Memory against the number of clients, processor time per aggregated gigabyte, round times, bytes
// on the wire, start-up and size.
//
// The short form (8 MB, 2 and 4 clients, no 3 GB tensor) checks everything but the time to start,
// which it only shows.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark server_benchmark();

}  // namespace atl::bench
