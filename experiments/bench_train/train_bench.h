// `atoll bench train`: what federation costs on top of training, and what a second core brings.
//
//   overhead   wall time of a one-client federation (server, transport, reduction, checkpoints and
//              all) over that of the same SGD steps in a bare LibTorch loop; paired, one thread
//              each
//   two_cores  images a second of two clients side by side over those of one
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {
Benchmark train_benchmark();
}  // namespace atl::bench
