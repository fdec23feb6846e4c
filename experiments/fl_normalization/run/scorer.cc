#include "experiments/fl_normalization/run/scorer.h"

#include <algorithm>

#include "client/torch_evaluate.h"
#include "models/calibration.h"

namespace atl::study {
namespace {

constexpr size_t kBatch = 256;

}  // namespace

Result<Scorer> Scorer::make(client::WorkspacePool& pool, const wire::ModelSpec& spec,
                            torch::Device device, data::DataSplits splits) {
  ATOLL_ASSIGN(auto lease, pool.lease(spec, device));
  auto train = pool.resident(splits.train, device), test = pool.resident(splits.test, device);
  return Scorer(std::move(lease), std::move(splits), std::move(train), std::move(test));
}

bool Scorer::has_running_statistics() const {
  for (const auto& slot : model().norm_slots()) {
    if (slot.layer != nullptr && slot.layer->has_running_statistics()) return true;
  }
  return false;
}

Score Scorer::score(std::span<const uint32_t> test, bool batch_statistics) {
  torch::NoGradGuard no_grad;
  workspace_->model->eval();
  const models::StatisticsGuard statistics(*workspace_->model, batch_statistics
                                                                   ? models::Statistics::kBatch
                                                                   : models::Statistics::kUsual);
  open_test();
  Score out;
  out.classes.correct.resize(splits_.test->classes);
  out.classes.examples.resize(splits_.test->classes);
  for (size_t at = 0; at < test.size(); at += kBatch) {
    const auto piece = test.subspan(at, std::min(kBatch, test.size() - at));
    const auto batch = workspace_->batches.load(piece, nullptr);
    const auto logits = workspace_->model->forward(batch.inputs);
    client::add_to(out.sums, logits, batch.labels);
    const auto guesses = logits.argmax(1).to(torch::kCPU).contiguous();
    for (size_t i = 0; i < piece.size(); ++i) {
      const auto label = splits_.test->labels[piece[i]];
      ++out.classes.examples[label];
      if (guesses.const_data_ptr<int64_t>()[i] == label) ++out.classes.correct[label];
    }
  }
  return out;
}

void Scorer::recalibrate(std::span<const uint32_t> test) {
  open_test();
  const auto batches = static_cast<int64_t>((test.size() + kBatch - 1) / kBatch);
  size_t at = 0;
  models::recalibrate(*workspace_->model, batches, [&] {
    const auto piece = test.subspan(at, std::min(kBatch, test.size() - at));
    at += piece.size();
    return workspace_->batches.load(piece, nullptr).inputs;
  });
}

std::vector<SiteSample> Scorer::probe_test(std::span<const uint32_t> images, bool with_gram) {
  open_test();
  return probe(*workspace_, images, with_gram);
}

std::vector<SiteSample> Scorer::probe_train(std::span<const uint32_t> images) {
  workspace_->batches.open(*splits_.train, resident_train_);
  return probe(*workspace_, images, false);
}

}  // namespace atl::study
