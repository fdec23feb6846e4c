#include "client/torch_trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include "client/torch_evaluate.h"
#include "client/torch_guards.h"
#include "client/torch_round.h"
#include "client/torch_workspace.h"
#include "common/tensor/shape.h"
#include "common/wire/torchscript.h"
#include "models/calibration.h"

namespace atl::client {
namespace {

// The one door for LibTorch's exceptions.
template <typename F>
auto guarded(F&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const c10::Error& error) {
    return Error(ErrorCode::kTrainer, std::string("LibTorch: ") + error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kTrainer, "out of memory");
  } catch (const std::exception& error) {
    return Error(ErrorCode::kTrainer, error.what());
  }
}

Status check_share(const data::Dataset& data, const data::Indices& indices, uint32_t classes) {
  for (uint32_t index : indices) {
    if (index >= data.size()) {
      return Error(ErrorCode::kData, "the share names example " + std::to_string(index) + " of " +
                                         data.name + ", which has " + std::to_string(data.size()));
    }
    if (data.labels[index] >= classes) {
      return Error(ErrorCode::kData, data.name + ": the label of example " + std::to_string(index) +
                                         " is " + std::to_string(data.labels[index]) +
                                         ", the model has " + std::to_string(classes) + " classes");
    }
  }
  return {};
}

Status check_dataset(const data::Dataset& data, const wire::ModelSpec& spec) {
  if (data.shape != spec.input) {
    return Error(ErrorCode::kModel, "the model takes examples of " + shape_text(spec.input) + ", " +
                                        data.name + " has " + shape_text(data.shape));
  }
  const size_t elements = data.size() * data.example_elements();
  const bool whole = data.bytes.empty() ? data.values.size() == elements
                                        : data.bytes.size() == elements && data.values.empty();
  if (!whole) return Error(ErrorCode::kData, data.name + " does not hold what its shape says");
  if (data.bytes.empty()) return {};
  const size_t channels =
      data.shape.size() == 3 ? static_cast<size_t>(data.shape[0]) : data.mean.size();
  bool normal = channels > 0 && data.mean.size() == channels && data.std.size() == channels &&
                data.example_elements() % channels == 0;
  for (float deviation : data.std) normal = normal && deviation > 0;
  if (!normal)
    return Error(ErrorCode::kData, data.name + " lacks a mean and a deviation above 0 per channel");
  return {};
}

// Of a recalibration: enough for the moments of a channel, and never the most of a round's work.
constexpr size_t kCalibrationBatch = 256, kCalibrationBatches = 16;

class TorchTrainer : public Trainer {
 public:
  TorchTrainer(wire::ModelSpec spec, TorchTrainerOptions options, torch::Device device,
               Manifest manifest)
      : spec_(std::move(spec)),
        options_(std::move(options)),
        device_(device),
        manifest_(std::move(manifest)) {}

  const Manifest& manifest() const override { return manifest_; }
  uint64_t train_examples() const override { return options_.train_indices.size(); }
  uint64_t test_examples() const override { return options_.test_indices.size(); }

  Status initialize(uint64_t seed) override {
    return guarded([&]() -> Status {
      ATOLL_ASSIGN(auto workspace, lease());
      models::initialize(*workspace->model, seed);
      flat_.resize(manifest_.total_bytes());
      workspace->state.store(flat_);
      return {};
    });
  }

  Status receive(uint64_t offset, ByteView bytes) override {
    if (offset > manifest_.total_bytes() || bytes.size() > manifest_.total_bytes() - offset)
      return Error(ErrorCode::kModel, "a piece of the model reaches beyond its end");
    return guarded([&]() -> Status {
      flat_.resize(manifest_.total_bytes());
      if (!bytes.empty()) std::memcpy(flat_.data() + offset, bytes.data(), bytes.size());
      return {};
    });
  }

  Result<TrainReport> run(const Task& task, Progress& progress) override {
    return guarded([&]() -> Result<TrainReport> {
      if (flat_.size() != manifest_.total_bytes())
        return Error(ErrorCode::kModel, "the model of the round has not been received");
      ATOLL_TRY(check_roles(task.settings.roles));
      ArithmeticGuard arithmetic(options_.threads);
      ATOLL_ASSIGN(auto workspace, lease());
      workspace->state.load(flat_);
      progress.steps_done = 0;
      progress.steps_total = steps_of_all(task);
      TrainReport report;
      if (task.evaluate) {
        const bool stale = lacks_statistics(task.settings);
        if (stale) calibrate(*workspace);
        ATOLL_ASSIGN(report.before, test(*workspace, progress));
        if (stale) workspace->state.load(flat_);
      }
      if (task.train) {
        ATOLL_TRY(learn(*workspace, task, progress, report));
      }
      return report;
    });
  }

  Status read(uint64_t offset, MutableByteView out) const override {
    if (offset > flat_.size() || out.size() > flat_.size() - offset)
      return Error(ErrorCode::kModel, "the trainer has no such piece of a model");
    if (!out.empty()) std::memcpy(out.data(), flat_.data() + offset, out.size());
    return {};
  }

  void release() override { Bytes().swap(flat_); }

 private:
  Result<WorkspacePool::Lease> lease() {
    ATOLL_ASSIGN(auto workspace, options_.pool->lease(spec_, device_, options_.script));
    if (workspace->state.manifest() == manifest_) return workspace;
    return Error(ErrorCode::kModel,
                 options_.script.path + " is not the file that it was: " +
                     Manifest::describe_difference(workspace->state.manifest(), manifest_));
  }

  // Statistics are fixed or made anew through norm slots, which only built-in models have.
  Status check_roles(const wire::RoleRules& roles) const {
    if (spec_.name != wire::kTorchScript || (roles.fixed.empty() && roles.reset.empty())) return {};
    return Error(ErrorCode::kUnsupported,
                 "the run's policy fixes statistics or begins them anew, and a TorchScript model "
                 "cannot do that")
        .hint("policy = \"pooled\" under [aggregation] of the run");
  }

  // Of everything that run() does, so that a long evaluation counts as progress too.
  uint64_t steps_of_all(const Task& task) const {
    const uint64_t tests = evaluation_steps(test_examples());
    return (task.evaluate ? tests : 0) +
           (task.train ? steps_of(task.settings, train_examples()) : 0) +
           (task.train && options_.evaluate_after ? tests : 0);
  }

  // The received model has no running statistics to be evaluated with.
  static bool lacks_statistics(const wire::TrainSettings& settings) {
    const auto& reset = settings.roles.reset;
    return std::find(reset.begin(), reset.end(), Role::kNormMean) != reset.end();
  }

  // Gives the model the statistics of this client's training examples, or of its test examples
  // where it has no others; no label is looked at.
  void calibrate(Workspace& workspace) {
    const bool trains = !options_.train_indices.empty();
    const auto& data = trains ? options_.train : options_.test;
    const std::span<const uint32_t> all(trains ? options_.train_indices : options_.test_indices);
    if (all.empty()) return;
    workspace.batches.open(*data, options_.pool->resident(data, device_));
    size_t at = 0;
    auto next = [&] {
      const auto piece = all.subspan(at, std::min(kCalibrationBatch, all.size() - at));
      at += piece.size();
      return workspace.batches.load(piece, nullptr).inputs;
    };
    const auto batches = (all.size() + kCalibrationBatch - 1) / kCalibrationBatch;
    models::recalibrate(*workspace.model,
                        static_cast<int64_t>(std::min(batches, kCalibrationBatches)), next);
  }

  Result<Evaluation> test(Workspace& workspace, Progress& progress) {
    if (options_.test_indices.empty()) return Evaluation();
    workspace.batches.open(*options_.test, options_.pool->resident(options_.test, device_));
    return evaluate(workspace, options_.test_indices, progress);
  }

  // The received model stays as it is until the round has succeeded.
  Status learn(Workspace& workspace, const Task& task, Progress& progress, TrainReport& report) {
    workspace.batches.open(*options_.train, options_.pool->resident(options_.train, device_));
    const LocalRound round{task, options_.client, options_.train_indices,
                           options_.augment == "pad_crop_flip"};
    ATOLL_TRY(train(workspace, round, progress, report));
    report.examples = train_examples();
    report.update_norm = workspace.state.distance_to(flat_);
    if (!std::isfinite(report.update_norm)) {
      return Error(ErrorCode::kTrainer,
                   "the update of round " + std::to_string(task.round) + " is not finite")
          .hint("lower train.learning_rate, or set train.clip_norm");
    }
    if (options_.evaluate_after) {
      ATOLL_ASSIGN(report.after, test(workspace, progress));
    }
    workspace.state.store(flat_);
    return {};
  }

  wire::ModelSpec spec_;
  TorchTrainerOptions options_;
  torch::Device device_;
  Manifest manifest_;
  Bytes flat_;  // empty, or the whole model: as received, then as trained
};

// Completes the spec from the data, and checks both against each other.
Status settle(wire::ModelSpec& spec, const TorchTrainerOptions& options) {
  if (options.train == nullptr) return Error(ErrorCode::kConfig, "a trainer needs a training set");
  if (options.threads < 1) return Error(ErrorCode::kConfig, "threads must be 1 or more");
  if (options.augment != "none" && options.augment != "pad_crop_flip") {
    return Error(ErrorCode::kConfig,
                 "augment \"" + options.augment + "\" is none of none and pad_crop_flip");
  }
  const auto& train = *options.train;
  if (spec.input.empty()) spec.input = train.shape;
  if (spec.classes == 0) spec.classes = train.classes;
  if (train.classes > spec.classes) {
    return Error(ErrorCode::kModel, "the model has " + std::to_string(spec.classes) + " classes, " +
                                        train.name + " has " + std::to_string(train.classes));
  }
  ATOLL_TRY(check_dataset(train, spec));
  ATOLL_TRY(check_share(train, options.train_indices, spec.classes));
  const bool images = train.shape.size() == 3 && train.values.empty();
  if (options.augment == "pad_crop_flip" && !images)
    return Error(ErrorCode::kConfig,
                 "augment pad_crop_flip needs images, " + train.name + " has other examples");
  if (options.test == nullptr || options.test->size() == 0) {
    if (options.test_indices.empty()) return {};
    return Error(ErrorCode::kData, "the share names test examples, but there is no test set");
  }
  ATOLL_TRY(check_dataset(*options.test, spec));
  return check_share(*options.test, options.test_indices, spec.classes);
}

}  // namespace

Result<std::unique_ptr<Trainer>> make_torch_trainer(const wire::ModelSpec& asked,
                                                    TorchTrainerOptions options) {
  auto spec = asked;
  ATOLL_TRY(settle(spec, options));
  return guarded([&]() -> Result<std::unique_ptr<Trainer>> {
    ATOLL_ASSIGN(const auto device, parse_device(options.device));
    if (options.pool == nullptr) options.pool = make_workspace_pool();
    ATOLL_ASSIGN(auto workspace, options.pool->lease(spec, device, options.script));
    auto manifest = workspace->state.manifest();
    return std::unique_ptr<Trainer>(std::make_unique<TorchTrainer>(
        std::move(spec), std::move(options), device, std::move(manifest)));
  });
}

}  // namespace atl::client
