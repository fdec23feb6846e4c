#include "experiments/bench/server_bench.h"

#include <CLI/CLI.hpp>

namespace atl::bench {
Benchmark server_benchmark() {
  Benchmark row;
  row.name = "server";
  row.help = "the server process under scripted clients: memory, processor time, round times";
  row.declare = [](CLI::App&) -> Benchmark::Run {
    return [](const Settings&) -> Result<Report> { return Report("server"); };
  };
  return row;
}
}  // namespace atl::bench
