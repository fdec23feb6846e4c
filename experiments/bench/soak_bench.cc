#include "experiments/bench/soak_bench.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/core/file.h"
#include "experiments/bench/scene.h"
#include "experiments/bench/scratch.h"

namespace atl::bench {
namespace {

constexpr double kKilo = 1024;

struct Options {
  uint32_t rounds = 5000;
  std::string server, scratch;
};

// An ordinary least-squares line through at least 3 points, with the standard error of its slope.
struct Line {
  double slope = 0, intercept = 0, slope_error = 0;
};
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

Result<Report> run_soak(Options options, const Settings& settings) {
  const uint32_t rounds = settings.short_form ? 1000 : options.rounds;
  constexpr size_t kClients = 8;
  ATOLL_ASSIGN(const auto program, find_program(options.server, "atoll-server"));
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 256u << 20));
  ATOLL_ASSIGN(auto scene, begin_scene(program, scratch.path() + "/soak", kClients, rounds));
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

}  // namespace

Benchmark soak_benchmark() {
  Benchmark row;
  row.name = "soak";
  row.help = "thousands of rounds of a tiny model: the server's memory does not grow";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--rounds", options->rounds, "rounds")
        ->capture_default_str()
        ->check(CLI::Range(100, 1000000));
    app.add_option("--server", options->server, "the server's program; beside this one by default");
    app.add_option("--scratch", options->scratch, "folder for the federation");
    return [options](const Settings& settings) { return run_soak(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
