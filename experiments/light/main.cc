// atoll in a checkout that is configured without LibTorch: data, reports, model files, benchmarks.
// What trains or asks a model says that it is not there.
#include <filesystem>

#include "common/core/version.h"
#include "experiments/bench/bench_verb.h"
#include "experiments/data/data_verb.h"
#include "experiments/doctor/doctor_verb.h"
#include "experiments/inspect/inspect_verb.h"
#include "experiments/report/report_verb.h"
#include "experiments/verbs/run_verbs.h"

namespace atl::workbench {
namespace {

void add_missing_verb(CLI::App& app, Verbs& verbs, const std::string& name) {
  auto* verb = app.add_subcommand(name, "needs LibTorch, which this build is without");
  verb->allow_extras();
  verbs.push_back({verb, [name]() -> Status {
                     return Error(ErrorCode::kUnsupported,
                                  "atoll " + name + " needs LibTorch, and this build is without")
                         .hint("./atoll build, in the checkout, then build/release/bin/atoll " +
                               name);
                   }});
}

int light_main(int argc, char** argv) {
  CLI::App app("Atoll's workbench without LibTorch: data, reports, model files, benchmarks.",
               std::filesystem::path(argv[0]).filename().string());
  app.set_version_flag("--version", "atoll " + std::string(version()) + " (without LibTorch)");
  Verbs verbs;
  add_data_verb(app, verbs);
  add_report_verb(app, verbs);
  add_inspect_verb(app, verbs);
  add_doctor_verb(app, verbs, [] { return TorchFacts{}; });
  bench::add_bench_verb(app, verbs);
  for (const char* name : {"demo", "new", "simulate", "predict", "experiment", "advise"})
    add_missing_verb(app, verbs, name);
  return run_verbs(app, verbs, argc, argv);
}

}  // namespace
}  // namespace atl::workbench

int main(int argc, char** argv) { return atl::workbench::light_main(argc, argv); }
