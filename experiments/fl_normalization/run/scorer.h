// Scorer: accuracies of models given as flat bytes, on any images, with stored, batch or
// recalibrated statistics. Has a workspace of its own and is used by one thread.
#pragma once

#include "client/torch_workspace.h"
#include "client/trainer.h"
#include "experiments/fl_normalization/metrics/contribution.h"
#include "experiments/fl_normalization/run/probe.h"

namespace atl::study {

struct Score {
  wire::Evaluation sums;
  ClassScore classes;
  double accuracy() const {
    return static_cast<double>(sums.correct) / static_cast<double>(sums.examples);
  }
  double loss() const { return sums.loss_sum / static_cast<double>(sums.examples); }
};

class Scorer {
 public:
  // `spec` is complete. kConfig as models::make_model().
  static Result<Scorer> make(client::WorkspacePool& pool, const wire::ModelSpec& spec,
                             torch::Device device, data::DataSplits splits);

  const Manifest& manifest() const { return workspace_->state.manifest(); }
  const models::Model& model() const { return *workspace_->model; }
  bool has_running_statistics() const;

  // The model that everything below is about.
  void load(ByteView flat) { workspace_->state.load(flat); }
  Score score(std::span<const uint32_t> test, bool batch_statistics = false);
  // Changes the running statistics of the loaded model.
  void recalibrate(std::span<const uint32_t> test);
  std::vector<SiteSample> probe_test(std::span<const uint32_t> images, bool with_gram);
  std::vector<SiteSample> probe_train(std::span<const uint32_t> images);

 private:
  Scorer(client::WorkspacePool::Lease workspace, data::DataSplits splits,
         torch::Tensor resident_train, torch::Tensor resident_test)
      : workspace_(std::move(workspace)),
        splits_(std::move(splits)),
        resident_train_(std::move(resident_train)),
        resident_test_(std::move(resident_test)) {}
  void open_test() { workspace_->batches.open(*splits_.test, resident_test_); }

  client::WorkspacePool::Lease workspace_;
  data::DataSplits splits_;
  torch::Tensor resident_train_, resident_test_;
};

}  // namespace atl::study
