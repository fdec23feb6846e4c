// The workbench's verbs: each is a folder beside this one.
#include "experiments/workbench/workbench_main.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "common/core/version.h"
#include "experiments/bench/bench_verb.h"
#include "experiments/bench_train/train_bench.h"
#include "experiments/data/data_verb.h"
#include "experiments/demo/demo_verb.h"
#include "experiments/doctor/doctor_verb.h"
#include "experiments/experiment/experiment_verb.h"
#include "experiments/fl_normalization/run/advise_verb.h"
#include "experiments/inspect/inspect_verb.h"
#include "experiments/new/new_verb.h"
#include "experiments/predict/predict_verb.h"
#include "experiments/report/report_verb.h"
#include "experiments/simulate/simulate_verb.h"
#include "experiments/verbs/run_verbs.h"
#include "experiments/workbench/torch_facts.h"
#include "models/registration.h"

namespace atl::workbench {

int workbench_main(int argc, char** argv) {
  CLI::App app("Atoll's workbench: simulate federations, look at them, measure them.",
               std::filesystem::path(argv[0]).filename().string());
  app.set_version_flag("--version", "atoll " + std::string(version()));
  Verbs verbs;
  add_demo_verb(app, verbs);
  add_new_verb(app, verbs);
  add_simulate_verb(app, verbs);
  add_data_verb(app, verbs);
  add_report_verb(app, verbs);
  add_inspect_verb(app, verbs);
  add_predict_verb(app, verbs);
  add_doctor_verb(app, verbs, torch_facts);
  add_experiment_verb(app, verbs);
  study::add_advise_verb(app, verbs);
  bench::add_bench_verb(app, verbs, {bench::train_benchmark()});
  return run_verbs(app, verbs, argc, argv, models::registrations);
}

}  // namespace atl::workbench
