#include "experiments/fl_normalization/run/fl_normalization_verb.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "common/core/file.h"
#include "common/core/log.h"
#include "experiments/fl_normalization/run/study_run.h"
#include "experiments/fl_normalization/run/throughput.h"
#include "experiments/fl_normalization/study/tier_file.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

struct Options {
  std::string tier = "cpu", out, set, folder, device = "cpu";
  double budget = 0, pause = 0;
  uint32_t workers = 0;
  bool map = false, dry_run = false, json = false;
};

void print_plan(const StudyPlan& plan) {
  std::printf("%zu tuning runs and %zu runs, about %.1f minutes on %u workers\n",
              plan.tuning.size(), plan.cells.size(), minutes_of(plan), plan.workers);
  for (const auto& line : plan.reduced) std::printf("cut to the budget: %s\n", line.c_str());
  std::string last;
  for (const auto* cells : {&plan.tuning, &plan.cells}) {
    for (const auto& cell : *cells) {
      const auto line = std::string(cells == &plan.tuning ? "tune " : "run  ") + words(cell) +
                        "  " + cell.method() +
                        (cell.rate > 0 ? ", lr " + workbench::compact(cell.rate) : "") + ", seed " +
                        std::to_string(cell.seed) + ", about " +
                        workbench::human_seconds(seconds_of(cell, plan.speeds));
      std::printf("%s\n", line.c_str());
    }
  }
}

Result<Tier> asked_tier(const Options& o) {
  if (!o.map && o.tier.ends_with(".toml")) return load_tier(o.tier);
  return make_tier(o.map ? "long" : o.tier, o.set.empty() ? std::nullopt : std::optional(o.set));
}

Status run(const Options& o) {
  ATOLL_ASSIGN(auto tier, asked_tier(o));
  if (o.budget > 0) tier.budget_minutes = o.budget;
  const uint32_t workers =
      o.workers > 0 ? o.workers : std::max(1U, std::thread::hardware_concurrency());
  StudyOptions options;
  options.folder = o.out.empty() ? "runs/fl-normalization-" + tier.name : o.out;
  options.device = o.device;
  options.pause_after_minutes = o.pause;
  std::mutex mutex;
  options.say = [&mutex](const std::string& text) {
    std::lock_guard lock(mutex);
    std::fprintf(stderr, "%s\n", text.c_str());
  };
  log::set_level(log::Level::kWarn);
  StudyData data(o.folder);
  if (o.dry_run) {
    ATOLL_ASSIGN(const auto speeds, measure_speeds(tier, data, workers, o.device, options.say));
    ATOLL_ASSIGN(const auto plan, make_plan(tier, speeds, workers));
    print_plan(plan);
    return {};
  }
  ATOLL_ASSIGN(const auto plan, plan_of(tier, data, workers, options));
  for (const auto& line : plan.reduced) options.say("cut to the budget: " + line);
  options.say(std::to_string(plan.tuning.size() + plan.cells.size()) + " cells, about " +
              workbench::human_seconds(60 * minutes_of(plan)) + " on " + std::to_string(workers) +
              " workers; results in " + options.folder);
  auto report = run_study(plan, data, options);
  if (!report) return std::move(report).error().hint("the same command goes on where it stopped");
  std::printf("%s\n", o.json ? to_json(**report).c_str() : to_text(**report).c_str());
  if (!o.json) std::printf("report   %s/report.html\n", options.folder.c_str());
  if ((*report)->missing() > 0 && !o.json)
    std::printf("%zu cells are left: the same command goes on\n", (*report)->missing());
  return {};
}

}  // namespace

void add_fl_normalization(CLI::App& experiment, workbench::Verbs& verbs) {
  auto o = std::make_shared<Options>();
  auto* verb = experiment.add_subcommand(
      "fl-normalization", "which normalization suits which federation: the study and its map");
  verb->add_option("--tier", o->tier, "smoke, cpu, long, gpu, or a file: FILE.toml")
      ->capture_default_str();
  verb->add_flag("--map", o->map, "the map of regimes: the same as --tier long");
  verb->add_option("--set", o->set, "cifar10, fashion_mnist, mnist or digits; default: the tier's");
  verb->add_option("--data", o->folder, "the folder of the set's files; default: ATOLL_DATA");
  verb->add_option("--out", o->out,
                   "the study's folder; a study that it holds is gone on with "
                   "(runs/fl-normalization-TIER)");
  verb->add_option("--budget-minutes", o->budget, "what rounds are fitted to; default: the tier's")
      ->check(CLI::Range(0.1, 1e5));
  verb->add_option("--pause-after-minutes", o->pause,
                   "begin no cell after so long; the same command goes on");
  verb->add_option("--workers", o->workers, "cells run side by side; default: one a core")
      ->check(CLI::Range(1, 256));
  verb->add_option("--device", o->device, "cpu, cuda, cuda:N")->capture_default_str();
  verb->add_flag("--dry-run", o->dry_run, "measure the speeds and print the plan");
  verb->add_flag("--json", o->json, "end with one line of JSON");
  verbs.push_back({verb, [o] { return run(*o); }});
}

}  // namespace atl::study
