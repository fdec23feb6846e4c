#include "experiments/fl_normalization/run/study_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "common/core/file.h"
#include "experiments/fl_normalization/run/cell_run.h"
#include "experiments/fl_normalization/run/throughput.h"
#include "experiments/report/text.h"

namespace atl::study {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

// A queue of cells that some threads take from.
class Workers {
 public:
  Workers(const StudyPlan& plan, StudyData& data, const StudyOptions& options)
      : plan_(plan), data_(data), options_(options), begun_(Clock::now()) {
    for (const auto* cells : {&plan.tuning, &plan.cells}) {
      for (const auto& cell : *cells) left_ += seconds_of(cell, plan.speeds);
      cells_ += cells->size();
    }
  }

  // The results of those that are done, in the order of `cells`.
  Result<std::vector<CellResult>> run(const std::vector<Cell>& cells) {
    std::vector<std::optional<CellResult>> results(cells.size());
    next_ = 0;
    std::vector<std::thread> threads;
    for (uint32_t w = 0; w < plan_.workers; ++w)
      threads.emplace_back([&, w] { work(w, cells, results); });
    for (auto& thread : threads) thread.join();
    if (failure_) return *failure_;
    std::vector<CellResult> done;
    for (auto& result : results) {
      if (result) done.push_back(std::move(*result));
    }
    return done;
  }
  bool paused() const { return paused_; }

 private:
  void work(uint32_t worker, const std::vector<Cell>& cells,
            std::vector<std::optional<CellResult>>& results) {
    while (true) {
      const size_t i = next_++;
      if (i >= cells.size() || failed()) return;
      auto result = one(worker, cells[i]);
      if (!result) return fail(std::move(result).error());
      results[i] = std::move(*result);  // each thread its own elements
    }
  }

  Result<std::optional<CellResult>> one(uint32_t worker, const Cell& cell) {
    const double expected = seconds_of(cell, plan_.speeds);
    if (exists(result_path(options_.folder, cell))) {
      ATOLL_ASSIGN(auto known, read_result(options_.folder, cell));
      note_done(expected);
      return std::optional(std::move(known));
    }
    if (options_.pause_after_minutes > 0 &&
        seconds_since(begun_) > 60 * options_.pause_after_minutes) {
      paused_ = true;
      return std::optional<CellResult>();
    }
    CellOptions run;
    run.scratch = options_.folder + "/scratch-" + std::to_string(worker);
    run.device = options_.device;
    ATOLL_ASSIGN(auto result, run_cell(cell, data_, run));
    ATOLL_TRY(write_result(options_.folder, result));
    note_run(result, expected);
    return std::optional(std::move(result));
  }

  void note_done(double expected) {
    std::lock_guard lock(mutex_);
    left_ -= expected;
    ++done_;
  }

  void note_run(const CellResult& result, double expected) {
    note_done(expected);
    std::lock_guard lock(mutex_);
    expected_ += expected;
    spent_ += result.seconds;
    // What is left as planned, at the pace that there was so far.
    const double left = std::max(0.0, left_) * spent_ / expected_ / plan_.workers;
    const auto outcome = result.failure.empty()
                             ? workbench::percent(final_accuracy(result))
                             : "failed: " + workbench::shortened(result.failure, 90);
    options_.say("[" + std::to_string(done_) + "/" + std::to_string(cells_) + "] " +
                 result.cell.key() + "  " + outcome + ", " +
                 workbench::human_seconds(result.seconds) + "; about " +
                 workbench::human_seconds(left) + " left");
  }

  bool failed() {
    std::lock_guard lock(mutex_);
    return failure_.has_value();
  }
  void fail(Error error) {
    std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(error);
  }

  const StudyPlan& plan_;
  StudyData& data_;
  const StudyOptions& options_;
  Clock::time_point begun_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> paused_{false};
  std::mutex mutex_;
  std::optional<Error> failure_;
  size_t cells_ = 0, done_ = 0;
  double left_ = 0, expected_ = 0, spent_ = 0;  // seconds of one worker
};

// The cells whose rate is known, with it.
std::vector<Cell> with_rates(const StudyPlan& plan, const std::map<std::string, double>& rates) {
  std::vector<Cell> cells;
  for (auto cell : plan.cells) {
    const auto rate = rates.find(tuning_group(cell));
    if (rate == rates.end()) continue;
    cell.rate = rate->second;
    cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace

Result<StudyPlan> plan_of(const Tier& tier, StudyData& data, uint32_t workers,
                          const StudyOptions& options) {
  const auto path = options.folder + "/plan.json";
  if (exists(path)) {
    ATOLL_ASSIGN(const auto text, read_text(path));
    auto plan = plan_from_json(text);
    if (!plan) return std::move(plan).error().wrap("cannot go on with " + path);
    if (!is_of(*plan, tier))
      return Error(ErrorCode::kConfig, path + " is the plan of tier " + plan->tier + " for " +
                                           workbench::fixed(plan->budget_minutes, 0) +
                                           " minutes, and this tier, or its budget, is another")
          .hint("give this study another folder with --out, or remove " + path +
                ": cells that both have are kept");
    options.say("going on with " + path);
    return plan;
  }
  ATOLL_ASSIGN(auto speeds, measure_speeds(tier, data, workers, options.device, options.say));
  ATOLL_ASSIGN(auto plan, make_plan(tier, speeds, workers));
  ATOLL_TRY(make_folders(options.folder));
  ATOLL_TRY(write_atomic(path, to_json(plan)));
  return plan;
}

Result<std::unique_ptr<StudyReport>> run_study(const StudyPlan& plan, StudyData& data,
                                               const StudyOptions& options) {
  Workers workers(plan, data, options);
  ATOLL_ASSIGN(auto tuned, workers.run(plan.tuning));
  const auto cells = with_rates(plan, best_rates(plan, tuned));
  ATOLL_ASSIGN(auto results, workers.run(cells));
  auto report = make_report(plan, std::move(tuned), std::move(results));
  ATOLL_TRY(write_files(*report, options.folder));
  return report;
}

}  // namespace atl::study
