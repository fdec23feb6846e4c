#include "client/torch_evaluate.h"

#include <algorithm>
#include <cmath>

namespace atl::client {
namespace {

constexpr size_t kEvaluationBatch = 256;

}  // namespace

void add_to(Evaluation& sums, const torch::Tensor& logits, const torch::Tensor& labels) {
  const auto scores = logits.detach().to(torch::kCPU, torch::kFloat).contiguous();
  const auto truth = labels.to(torch::kCPU).contiguous();
  const int64_t classes = scores.size(1);
  const auto* row = scores.const_data_ptr<float>();
  const auto* label = truth.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < scores.size(0); ++b, row += classes) {
    const auto* best = std::max_element(row, row + classes);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c)
      sum += std::exp(static_cast<double>(row[c]) - static_cast<double>(*best));
    sums.loss_sum +=
        std::log(sum) + static_cast<double>(*best) - static_cast<double>(row[label[b]]);
    sums.correct += best - row == label[b] ? 1 : 0;
    ++sums.examples;
  }
}

uint64_t evaluation_steps(size_t examples) {
  return (examples + kEvaluationBatch - 1) / kEvaluationBatch;
}

Result<Evaluation> evaluate(Workspace& workspace, std::span<const uint32_t> indices,
                            Progress& progress) {
  torch::NoGradGuard no_grad;
  workspace.model->eval();
  Evaluation sums;
  for (size_t at = 0; at < indices.size(); at += kEvaluationBatch) {
    if (progress.cancel) return Error(ErrorCode::kInterrupted, "the evaluation was stopped");
    const auto piece = indices.subspan(at, std::min(kEvaluationBatch, indices.size() - at));
    const auto batch = workspace.batches.load(piece, nullptr);
    add_to(sums, workspace.model->forward(batch.inputs), batch.labels);
    ++progress.steps_done;
  }
  return sums;
}

}  // namespace atl::client
