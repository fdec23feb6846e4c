#include "experiments/fl_normalization/run/cell_run.h"

#include <chrono>
#include <filesystem>

#include "client/torch_guards.h"
#include "client/torch_trainer.h"
#include "experiments/data/derive.h"
#include "experiments/data/feature_shift.h"
#include "experiments/data/partition_report.h"
#include "experiments/fl_normalization/run/lockstep.h"
#include "experiments/fl_normalization/run/observation.h"
#include "experiments/simulate/simulation.h"

namespace atl::study {
namespace {

constexpr size_t kLocalTest = 200;  // test images of a client's classes, at most

struct Ready {
  workbench::Plan plan;
  workbench::Prepared prepared;
};

// The cell's images, dealt out, and the run as the simulation takes it.
Result<Ready> make_ready(const Cell& cell, const StudySet& set, const std::string& device) {
  Ready ready;
  auto& [plan, prepared] = ready;
  ATOLL_ASSIGN(plan.partition, partition_of(cell));
  ATOLL_ASSIGN(plan.run, run_config_of(cell));
  plan.run.model.input = set.splits.train->shape;
  plan.run.model.classes = set.splits.train->classes;
  plan.device = device;
  ATOLL_ASSIGN(prepared.splits.train,
               workbench::stratified_subset(set.splits.train, size_t{cell.clients} * cell.images,
                                            cell.seed));
  prepared.splits.test = set.splits.test;
  ATOLL_ASSIGN(prepared.partition, workbench::make_partition(plan.partition, prepared.splits));
  for (auto& share : prepared.partition.shares) {
    std::vector<bool> held(set.splits.train->classes);
    for (const uint32_t i : share.train) held[prepared.splits.train->labels[i]] = true;
    share.test = of_classes(*set.splits.test, set.parts.scored, held, kLocalTest);
  }
  if (cell.shifts_features()) {
    ATOLL_ASSIGN(prepared.splits,
                 workbench::shift_features(prepared.splits, cell.seed, prepared.partition.shares));
  }
  auto& record = prepared.record;
  record.command = "atoll experiment fl-normalization";
  record.set = cell.data;
  record.partition = plan.partition;
  record.partition_sha256 = prepared.partition.sha256;
  return ready;
}

void describe(const Ready& ready, const Scorer& scorer, CellResult& result) {
  const auto report = workbench::report_partition(ready.prepared.partition, ready.prepared.splits);
  result.skew = report.mean_total_variation;
  result.effective_classes = report.mean_effective_classes;
  result.partition_sha256 = ready.prepared.partition.sha256;
  result.norm_slots = static_cast<uint32_t>(scorer.model().norm_slots().size());
  for (const auto& tensor : scorer.manifest().tensors()) {
    if (is_trainable(tensor.role)) result.parameters += tensor.elements;
  }
}

Status simulate(const Ready& ready, const Cell& cell, const StudySet& set,
                const CellOptions& options, CellResult& result) {
  ATOLL_ASSIGN(const auto device, client::parse_device(options.device));
  const auto pool = client::make_workspace_pool();
  ATOLL_ASSIGN(auto scorer,
               Scorer::make(*pool, ready.plan.run.model, device, ready.prepared.splits));
  describe(ready, scorer, result);
  Lockstep lockstep(cell.cohort, result.norm_slots);
  RoundBook book([&cell](uint32_t round) { return measured(cell, round); });
  Observation observation(cell, ready.prepared.partition, ready.prepared.splits, set.parts, book,
                          std::move(scorer), result);
  workbench::SimulationOptions simulation;
  simulation.out = options.scratch;
  simulation.threads = cell.is_lockstep() ? cell.cohort : 1;
  simulation.report = false;
  simulation.shuffle_arrival = options.shuffle_arrival;
  simulation.around = [&](const workbench::Share& share, auto inner) {
    if (cell.is_lockstep()) inner = lockstep.around(share.name, std::move(inner));
    return book.around(share.name, std::move(inner));
  };
  simulation.watch = [&observation](const server::RunEvent& event) {
    if (event.kind == server::RunEvent::Kind::kRoundClosed)
      observation.traffic(event.bytes_down, event.bytes_up);
  };
  simulation.committed = [&observation](uint32_t round, const std::string& model) {
    const client::ArithmeticGuard arithmetic(1);
    return observation.committed(round, model);
  };
  auto outcome = workbench::simulate(ready.plan, ready.prepared, simulation);
  result.train_seconds = book.train_seconds();
  if (!outcome) return std::move(outcome).error();
  result.model_sha256 = outcome->model_sha256;
  return {};
}

}  // namespace

Result<CellResult> run_cell(const Cell& cell, StudyData& data, const CellOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  ATOLL_ASSIGN(const auto* set, data.get(cell.data));
  std::error_code ignored;
  std::filesystem::remove_all(options.scratch, ignored);
  CellResult result;
  result.cell = cell;
  auto ready = make_ready(cell, *set, options.device);
  if (!ready) return std::move(ready).error().wrap("cannot prepare the cell " + cell.key());
  auto ran = simulate(*ready, cell, *set, options, result);
  std::filesystem::remove_all(options.scratch, ignored);
  if (!ran) {
    auto error = std::move(ran).error();
    if (error.code() != ErrorCode::kTrainer) return std::move(error).wrap("cell " + cell.key());
    result.failure = error.message();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return result;
}

}  // namespace atl::study
