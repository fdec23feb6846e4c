#include "experiments/bench/load_bench.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

#include "experiments/bench/scene.h"
#include "experiments/bench/scratch.h"

namespace atl::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kKilo = 1024;

struct Options {
  std::vector<size_t> clients{10, 100, 1000, 5000};
  uint32_t rounds = 5;
  std::string server, scratch;
};

Status load_one(Report& report, const std::string& program, const std::string& folder,
                size_t clients, uint32_t rounds, Enforce enforce) {
  ATOLL_ASSIGN(auto scene, begin_scene(program, folder, clients, rounds));
  Usage idle_before, idle_after, end;
  const size_t open_before = scene.server->descriptors();
  if (!scene.server->usage(idle_before))
    return Error(ErrorCode::kIo, "the server's memory cannot be read");
  // Everyone but the last is connected and has nothing to do while the memory is read.
  scene.crowd.stagger = std::chrono::microseconds(4000);
  const auto all_there =
      std::chrono::duration_cast<std::chrono::milliseconds>(scene.crowd.stagger * clients) +
      std::chrono::seconds(3);
  scene.crowd.hold_last = std::chrono::seconds(5);
  size_t descriptors = 0;
  std::atomic<bool> over{false};
  std::thread watcher([&] {
    std::this_thread::sleep_for(all_there);
    descriptors = scene.server->descriptors();
    scene.server->usage(idle_after);
    while (!over) {
      Usage usage;
      if (scene.server->usage(usage)) end = usage;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  auto outcome = run_crowd(scene.crowd);
  auto ended = outcome ? scene.server->wait() : Status();
  over = true;
  watcher.join();
  if (!outcome) return std::move(outcome).error();
  ATOLL_TRY(ended);
  ATOLL_ASSIGN(const auto told, read_metrics(scene.folder));
  const auto label = "_" + std::to_string(clients);
  // Those that were there when it was read: a connection is a descriptor.
  const double connections = static_cast<double>(descriptors) - static_cast<double>(open_before);
  const double idle_kb =
      (static_cast<double>(idle_after.rss) - static_cast<double>(idle_before.rss)) / kKilo;
  report.figure("round_p50" + label, told.seconds.median(), "s");
  report.figure("round_p99" + label, told.seconds.quantile(0.99), "s");
  report.figure("peak_rss" + label, static_cast<double>(end.peak_rss) / kKilo / kKilo, "MB");
  report.figure("descriptors" + label, static_cast<double>(descriptors), "while idle");
  report.figure("cpu" + label, end.cpu, "s, of the whole run");
  report.figure("reconnects" + label, static_cast<double>(outcome->reconnects), "");
  report.at_most("idle_kb_per_connection" + label, idle_kb / std::max(1.0, connections), 64,
                 enforce);
  report.at_least("complete" + label, static_cast<double>(outcome->complete),
                  static_cast<double>(clients), Enforce::kHard);
  report.at_most("refused" + label, static_cast<double>(told.refused), 0, Enforce::kHard);
  if (!outcome->first_error.empty()) report.note("first error: " + outcome->first_error);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  fs::remove_all(scene.crowd.folder, ignored);
  return {};
}

// Each connection is a descriptor here too.
Status allow_descriptors(size_t wanted) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max >= wanted) return {};
  return Error(ErrorCode::kUnsupported, "this process may open " + std::to_string(files.rlim_max) +
                                            " files, and needs " + std::to_string(wanted))
      .hint("raise the hard limit: ulimit -Hn");
}

Result<Report> run_load(Options options, const Settings& settings) {
  if (settings.short_form) options.clients = {10, 200};
  ATOLL_ASSIGN(const auto program, find_program(options.server, "atoll-server"));
  ATOLL_TRY(
      allow_descriptors(*std::max_element(options.clients.begin(), options.clients.end()) + 64));
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 512u << 20));
  Report report("load");
  report.figure("model", static_cast<double>(kTinyModel), "bytes");
  for (const size_t clients : options.clients) {
    std::cerr << clients << " clients" << std::endl;
    ATOLL_TRY(load_one(
        report, program, scratch.path() + "/" + std::to_string(clients), clients, options.rounds,
        settings.short_form || clients < 1000 ? Enforce::kShownOnly : Enforce::kHard));
  }
  report.note(
      "server: a process of its own; clients: one thread and a pool of one on the same machine, "
      "over mutual TLS on loopback. Every client takes part in every round.");
  return report;
}

}  // namespace

Benchmark load_benchmark() {
  Benchmark row;
  row.name = "load";
  row.help = "one server and many connections: round times, memory, descriptors, processor time";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--clients", options->clients, "numbers of clients, one run each")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(2, 20000));
    app.add_option("--rounds", options->rounds, "rounds of every run")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--server", options->server, "the server's program; beside this one by default");
    app.add_option("--scratch", options->scratch, "folder for the federation");
    return [options](const Settings& settings) { return run_load(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
