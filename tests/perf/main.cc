// `atoll-bench`: the benchmarks that need no LibTorch, for builds without it. The same verb as
// `atoll bench`.
#include <CLI/CLI.hpp>
#include <iostream>

#include "experiments/bench/bench_verb.h"

int main(int argc, char** argv) {
  CLI::App app("Atoll's benchmarks that need no LibTorch.");
  atl::workbench::Verbs verbs;
  atl::bench::add_bench_verb(app, verbs);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(atl::ErrorCode::kUsage);
  }
  for (const auto& verb : verbs) {
    if (!verb.app->parsed()) continue;
    const auto done = verb.run();
    if (done) return 0;
    std::cerr << done.error().explain();
    return done.error().exit_status();
  }
  return 0;
}
