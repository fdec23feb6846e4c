#include "experiments/bench/load_bench.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/core/file.h"
#include "experiments/bench/crowd.h"
#include "experiments/bench/generated_trainer.h"
#include "experiments/bench/process.h"
#include "experiments/bench/scratch.h"

namespace atl::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kTinyModel = 1024;  // bytes
constexpr double kKilo = 1024;

struct Options {
  std::vector<size_t> clients{10, 100, 1000, 5000};
  uint32_t rounds = 5, soak_rounds = 5000;
  std::string server, scratch;
};

struct Scene {
  std::unique_ptr<Process> server;
  Crowd crowd;
  std::string folder;
};

Result<Scene> begin(const std::string& program, const std::string& folder, size_t clients,
                    uint32_t rounds) {
  ATOLL_TRY(output_of({program, "init", folder, "--listen", "127.0.0.1:0"}));
  std::ostringstream toml;
  toml << "name = \"load\"\nrounds = " << rounds << "\n[listen]\naddress = \"127.0.0.1:0\"\n"
       << "[selection]\nmin_clients = " << clients << "\n[timeouts]\nprogress_s = 600.0\n";
  ATOLL_TRY(write_atomic(folder + "/server.toml", toml.str()));
  Scene scene;
  scene.folder = folder;
  ATOLL_ASSIGN(scene.crowd.manifest, generated_manifest(kTinyModel, 2, false));
  scene.crowd.server_folder = folder;
  scene.crowd.folder = folder + "-clients";
  scene.crowd.clients = clients;
  ATOLL_TRY(sign_certificates(scene.crowd));
  ATOLL_ASSIGN(scene.server, Process::start({program, "run", folder}));
  ATOLL_ASSIGN(scene.crowd.address, scene.server->wait_for("listening on "));
  return scene;
}

// Seconds of every closed round, and how many refusals the run's metrics tell.
struct Told {
  Sample seconds;
  size_t refused = 0;
};
Result<Told> read_metrics(const std::string& folder) {
  ATOLL_ASSIGN(const auto text, read_text(folder + "/run/metrics.jsonl", 1u << 30));
  Told told;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) continue;
    if (json.value("event", "") == "round") told.seconds.add(json.value("seconds", 0.0));
    told.refused += json.value("event", "") == "refused";
  }
  return told;
}

Status load_one(Report& report, const std::string& program, const std::string& folder,
                size_t clients, uint32_t rounds, Enforce enforce) {
  ATOLL_ASSIGN(auto scene, begin(program, folder, clients, rounds));
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

Result<Report> run_soak(Options options, const Settings& settings) {
  const uint32_t rounds = settings.short_form ? 1000 : options.soak_rounds;
  constexpr size_t kClients = 8;
  ATOLL_ASSIGN(const auto program, find_program(options.server, "atoll-server"));
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 256u << 20));
  ATOLL_ASSIGN(auto scene, begin(program, scratch.path() + "/soak", kClients, rounds));
  // Memory and descriptors over rounds; the first fifth is the warming up.
  std::vector<std::pair<double, double>> memory;
  size_t least = SIZE_MAX, most = 0;
  std::atomic<bool> over{false};
  std::thread watcher([&] {
    double shown = 0;
    for (; !over; std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
      auto text = read_text(scene.folder + "/run/status.json");
      const auto json = nlohmann::json::parse(text ? *text : "", nullptr, false);
      Usage usage;
      if (!json.is_object() || !scene.server->usage(usage)) continue;
      const double round = json.value("round", 0.0);
      if (round < rounds / 5.0 || round >= rounds) continue;
      memory.emplace_back(round, static_cast<double>(usage.rss));
      const size_t open = scene.server->descriptors();
      least = std::min(least, open);
      most = std::max(most, open);
      if (round - shown < rounds / 10.0) continue;
      shown = round;
      std::cerr << "round " << round << " of " << rounds << ": " << usage.rss / 1024 << " KB, "
                << open << " descriptors" << std::endl;
    }
  });
  auto outcome = run_crowd(scene.crowd);
  auto ended = outcome ? scene.server->wait() : Status();
  over = true;
  watcher.join();
  if (!outcome) return std::move(outcome).error();
  ATOLL_TRY(ended);
  if (memory.size() < 10) return Error(ErrorCode::kInternal, "the run was over too soon");
  ATOLL_ASSIGN(const auto told, read_metrics(scene.folder));

  // Neighbouring samples resemble each other, so the error of the slope comes from ten means.
  std::vector<std::pair<double, double>> means;
  for (size_t block = 0; block < 10; ++block) {
    const size_t from = block * memory.size() / 10, to = (block + 1) * memory.size() / 10;
    double x = 0, y = 0;
    for (size_t i = from; i < to; ++i) x += memory[i].first, y += memory[i].second;
    const double n = static_cast<double>(to - from);
    means.emplace_back(x / n, y / n);
  }
  Line line = fit_line(means);
  // Memory is told in whole pages: a step of one page within the run is below what can be seen.
  double spread = 0;
  for (const auto& [x, y] : means) spread += std::pow(x - rounds * 0.6, 2);
  const double resolution = 4096 / std::sqrt(12.0) / std::sqrt(spread);
  line.slope_error = std::hypot(line.slope_error, resolution);
  constexpr double kStudent = 2.306;  // 97.5 %, 8 degrees of freedom
  Report report("soak");
  report.figure("rounds", rounds, "");
  report.figure("clients", kClients, "");
  report.figure("samples", static_cast<double>(memory.size()), "");
  report.figure("rss_mean", line.intercept / kKilo + line.slope * means[5].first / kKilo, "KB");
  report.figure("rss_slope", line.slope, "bytes a round");
  report.figure("rss_slope_error", line.slope_error, "bytes a round, standard error");
  report.figure("round_p50", told.seconds.median(), "s");
  report.figure("round_p99", told.seconds.quantile(0.99), "s");
  report.at_most("rss_slope_lower_bound", line.slope - kStudent * line.slope_error, 0,
                 settings.short_form ? Enforce::kShownOnly : Enforce::kHard);
  report.at_most("descriptors_spread", static_cast<double>(most - least), 16, Enforce::kHard);
  report.at_least("complete", static_cast<double>(outcome->complete), kClients, Enforce::kHard);
  report.at_least("rounds_told", static_cast<double>(told.seconds.size()), rounds, Enforce::kHard);
  return report;
}

void add_common(CLI::App& app, Options& options) {
  app.add_option("--server", options.server, "the server's program; beside this one by default");
  app.add_option("--scratch", options.scratch, "folder for the federation");
}

}  // namespace

Line fit_line(const std::vector<std::pair<double, double>>& points) {
  const double n = static_cast<double>(points.size());
  double mean_x = 0, mean_y = 0;
  for (const auto& [x, y] : points) mean_x += x / n, mean_y += y / n;
  double xx = 0, xy = 0;
  for (const auto& [x, y] : points) {
    xx += (x - mean_x) * (x - mean_x);
    xy += (x - mean_x) * (y - mean_y);
  }
  Line line;
  line.slope = xy / xx;
  line.intercept = mean_y - line.slope * mean_x;
  double residual = 0;
  for (const auto& [x, y] : points) residual += std::pow(y - line.intercept - line.slope * x, 2);
  line.slope_error = std::sqrt(residual / (n - 2) / xx);
  return line;
}

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
    add_common(app, *options);
    return [options](const Settings& settings) { return run_load(*options, settings); };
  };
  return row;
}

Benchmark soak_benchmark() {
  Benchmark row;
  row.name = "soak";
  row.help = "thousands of rounds of a tiny model: the server's memory does not grow";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--rounds", options->soak_rounds, "rounds")
        ->capture_default_str()
        ->check(CLI::Range(100, 1000000));
    add_common(app, *options);
    return [options](const Settings& settings) { return run_soak(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
