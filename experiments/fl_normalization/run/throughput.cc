#include "experiments/fl_normalization/run/throughput.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <thread>

#include "client/torch_trainer.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

constexpr uint32_t kFirstSteps = 2;  // a slow model is measured by these alone
constexpr uint32_t kSteps = 10;
constexpr size_t kImages = 512;

// Images a second of one trainer.
Result<double> speed_of(const Cell& cell, const StudySet& set, double seconds,
                        const std::string& device) {
  client::TorchTrainerOptions options;
  options.client = "speed";
  options.train = set.splits.train;
  options.train_indices.resize(std::min(kImages, set.splits.train->size()));
  std::iota(options.train_indices.begin(), options.train_indices.end(), 0U);
  options.device = device;
  ATOLL_ASSIGN(const auto run, run_config_of(cell));
  ATOLL_ASSIGN(auto trainer, client::make_torch_trainer(run.model, std::move(options)));
  ATOLL_TRY(trainer->initialize(1));
  client::Task task{.round = 1, .total_rounds = 1};  // a constant rate: the same round again
  task.settings = run.train;
  task.settings.learning_rate = 1e-3;
  task.settings.steps = kFirstSteps;
  client::Progress progress;
  ATOLL_TRY(trainer->run(task, progress));  // the first steps make buffers
  double spent = 0, images = 0;
  while (spent < seconds) {
    ATOLL_ASSIGN(const auto report, trainer->run(task, progress));
    spent += report.seconds;
    images += static_cast<double>(task.settings.steps) * static_cast<double>(cell.batch);
    task.settings.steps = kSteps;
  }
  return images / spent;
}

}  // namespace

Result<Speeds> measure_speeds(const Tier& tier, StudyData& data, uint32_t workers,
                              const std::string& device,
                              const std::function<void(const std::string&)>& say) {
  Speeds speeds;
  for (const auto& block : tier.blocks) {
    ATOLL_ASSIGN(const auto* set, data.get(block.base.data));
    for (const auto& method : block.methods) {
      Cell cell = block.base;
      cell.norm = method.norm;
      if (speeds.count(speed_key(cell)) > 0) continue;
      std::vector<std::optional<Result<double>>> found(workers);
      std::vector<std::thread> threads;
      for (uint32_t w = 0; w < workers; ++w)
        threads.emplace_back(
            [&, w] { found[w] = speed_of(cell, *set, tier.probe_seconds, device); });
      for (auto& thread : threads) thread.join();
      double sum = 0;
      for (auto& one : found) {
        if (!*one) return std::move(*one).error().wrap("cannot train " + speed_key(cell));
        sum += **one;
      }
      speeds[speed_key(cell)] = sum / static_cast<double>(workers);
      say("speed: " + speed_key(cell) + " " + workbench::fixed(speeds[speed_key(cell)], 0) +
          " images a second and worker");
    }
  }
  return speeds;
}

}  // namespace atl::study
