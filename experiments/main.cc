// atoll: the workbench. Each verb is a folder beside this file.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/cli/describe.h"
#include "common/core/version.h"
#include "experiments/bench/bench_verb.h"
#include "experiments/bench_train/train_bench.h"
#include "experiments/data/data_verb.h"
#include "experiments/demo/demo_verb.h"
#include "experiments/experiment/experiment_verb.h"
#include "experiments/inspect/inspect_verb.h"
#include "experiments/new/new_verb.h"
#include "experiments/predict/predict_verb.h"
#include "experiments/report/report_verb.h"
#include "experiments/simulate/simulate_verb.h"

int main(int argc, char** argv) {
  using namespace atl::workbench;
  CLI::App app("Atoll's workbench: simulate federations, look at them, measure them.", "atoll");
  app.require_subcommand(1);
  app.set_version_flag("--version", "atoll " + std::string(atl::version()));
  const atl::cli::DescribeVerb describe(app);
  Verbs verbs;
  add_demo_verb(app, verbs);
  add_new_verb(app, verbs);
  add_simulate_verb(app, verbs);
  add_data_verb(app, verbs);
  add_report_verb(app, verbs);
  add_inspect_verb(app, verbs);
  add_predict_verb(app, verbs);
  add_experiment_verb(app, verbs);
  atl::bench::add_bench_verb(app, verbs, {atl::bench::train_benchmark()});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(atl::ErrorCode::kUsage);
  }
  if (describe.print()) return 0;
  for (const auto& verb : verbs) {
    if (!verb.app->parsed()) continue;
    auto done = verb.run();
    if (done) return 0;
    std::fputs(done.error().explain().c_str(), stderr);
    return done.error().exit_status();
  }
  return static_cast<int>(atl::ErrorCode::kUsage);
}
