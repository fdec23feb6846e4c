#include "experiments/simulate/simulate_verb.h"

#include <cstdio>
#include <memory>

#include "common/cli/front_door.h"
#include "common/core/log.h"
#include "experiments/report/text.h"
#include "experiments/run/progress.h"
#include "experiments/simulate/simulation.h"

namespace atl::workbench {
namespace {

struct Options {
  std::string file, out, set, command;
  uint32_t threads = 0;
  uint64_t shuffle = 0;
  bool json = false;
  CLI::Option* shuffled = nullptr;
};

Status run(const Options& o) {
  ATOLL_ASSIGN(const auto plan, load_plan(o.file, o.set));
  auto say = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  ATOLL_ASSIGN(auto prepared, prepare(plan, say));
  prepared.record.command = "atoll simulate " + o.file;
  SimulationOptions options;
  options.out = o.out.empty() ? new_run_folder(plan.run.name) : o.out;
  options.threads = o.threads;
  if (o.shuffled->count() > 0) options.shuffle_arrival = o.shuffle;
  Progress progress(stderr);
  options.watch = [&progress](const server::RunEvent& event) { progress.show(event); };
  log::set_level(log::Level::kWarn);
  ATOLL_ASSIGN(const auto outcome, simulate(plan, prepared, options));
  if (o.json) return std::printf("%s\n", to_json(outcome).c_str()), Status();
  std::printf("accuracy %.4f, loss %.4f after %u rounds in %s\n", outcome.accuracy, outcome.loss,
              outcome.rounds, human_seconds(outcome.seconds).c_str());
  std::printf("model    %s\nsha256   %s\nreport   %s\n", outcome.model.c_str(),
              outcome.model_sha256.c_str(), outcome.report.c_str());
  std::printf("next: %s inspect %s\n", cli::front_door().c_str(), outcome.model.c_str());
  return {};
}

}  // namespace

void add_simulate_verb(CLI::App& app, Verbs& verbs) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("simulate", "run a federation in this process, from a run file");
  verb->add_option("file", o->file, "the run file, for example experiments/quickstart.toml")
      ->required();
  verb->add_option("--out", o->out, "the run's folder; a run that it holds is gone on with");
  verb->add_option("--data", o->set, "another known data set (`atoll data list`)");
  verb->add_option("--threads", o->threads, "clients trained side by side; default: one a core")
      ->check(CLI::Range(1, 4096));
  o->shuffled = verb->add_option("--shuffle-arrival", o->shuffle,
                                 "clients join in an order drawn from this seed");
  verb->add_flag("--json", o->json, "end with one line of JSON");
  verbs.push_back({verb, [o] { return run(*o); }});
}

}  // namespace atl::workbench
