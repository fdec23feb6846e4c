// atoll-bench: the benchmarks that need no LibTorch, in a checkout that is configured without it.
// `atoll bench` is the same and more.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "experiments/bench/bench_verb.h"

int main(int argc, char** argv) {
  CLI::App app("Atoll's torch-free benchmarks.", "atoll-bench");
  app.require_subcommand(1);
  atl::workbench::Verbs verbs;
  atl::bench::add_bench_verb(app, verbs);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(atl::ErrorCode::kUsage);
  }
  for (const auto& verb : verbs) {
    auto done = verb.run();
    if (done) continue;
    std::fputs(done.error().explain().c_str(), stderr);
    return done.error().exit_status();
  }
  return 0;
}
