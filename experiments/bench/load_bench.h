// `atoll bench load`: one server and up to thousands of connections. `atoll bench soak`: one server
// and thousands of rounds.
#pragma once

#include "experiments/bench/bench.h"

namespace atl::bench {

Benchmark load_benchmark();
Benchmark soak_benchmark();

// An ordinary least-squares line through points, with the standard error of its slope.
struct Line {
  double slope = 0, intercept = 0, slope_error = 0;
};
// At least 3 points, not all with the same x.
Line fit_line(const std::vector<std::pair<double, double>>& points);

}  // namespace atl::bench
