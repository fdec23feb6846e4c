#include "experiments/bench/bench_verb.h"

#include <iostream>
#include <memory>

#include "common/core/log.h"
#include "experiments/bench/hostile_bench.h"
#include "experiments/bench/kill_bench.h"
#include "experiments/bench/load_bench.h"
#include "experiments/bench/network_bench.h"
#include "experiments/bench/server_bench.h"
#include "experiments/bench/soak_bench.h"
#include "experiments/bench/watch_bench.h"
#include "experiments/bench/wire_bench.h"

namespace atl::bench {
namespace {

struct Row {
  std::string name, help;
  CLI::App* app = nullptr;
  Benchmark::Run run;
};

struct Bench {
  std::vector<Row> rows;
  Settings settings;
  bool json = false, names = false;
};

Status run_row(const Row& row, const Bench& bench) {
  // Retries and refusals of the scripted clients are worth a line; their every step is not.
  log::set_level(log::Level::kWarn);
  auto report = row.run(bench.settings);
  if (!report) return std::move(report).error().wrap("cannot finish the benchmark " + row.name);
  report->print(std::cout);
  if (bench.json) std::cout << report->json() << "\n";
  std::cout.flush();
  const auto missed = report->missed();
  if (missed.empty()) return {};
  std::string text;
  for (const auto& one : missed) text += (text.empty() ? "" : "; ") + one;
  return Error(ErrorCode::kMissed, text).wrap("benchmark " + row.name + ": a bar is missed");
}

Status run_bench(const Bench& bench) {
  for (const auto& row : bench.rows) {
    if (row.app->parsed()) return run_row(row, bench);
  }
  for (const auto& row : bench.rows) {
    if (bench.names) {
      std::cout << row.name << "\n";
      continue;
    }
    std::cout << row.name << std::string(row.name.size() < 10 ? 10 - row.name.size() : 1, ' ')
              << row.help << "\n";
  }
  return {};
}

}  // namespace

void add_bench_verb(CLI::App& app, workbench::Verbs& verbs, std::vector<Benchmark> more) {
  std::vector<Benchmark> all{server_benchmark(),  wire_benchmark(), kill_benchmark(),
                             load_benchmark(),    soak_benchmark(), hostile_benchmark(),
                             network_benchmark(), watch_benchmark()};
  for (auto& one : more) all.push_back(std::move(one));

  auto bench = std::make_shared<Bench>();
  auto* verb = app.add_subcommand("bench", "measure Atoll, and compare with the bars");
  verb->require_subcommand(0, 1);
  verb->add_flag("--names", bench->names, "list the names alone");
  for (const auto& one : all) {
    auto* sub = verb->add_subcommand(one.name, one.help);
    sub->add_flag("--short", bench->settings.short_form, "a tiny form that takes seconds");
    sub->add_flag("--json", bench->json, "end with one line of JSON");
    bench->rows.push_back({one.name, one.help, sub, one.declare(*sub)});
  }
  verbs.push_back({verb, [bench] { return run_bench(*bench); }});
}

}  // namespace atl::bench
