#include "experiments/predict/predictor.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "client/torch_guards.h"
#include "client/torch_trainer.h"
#include "client/torch_workspace.h"

namespace atl::workbench {
namespace {

constexpr size_t kBatch = 256;

void add_softmax(Predictions& out, const torch::Tensor& logits) {
  const auto scores = logits.to(torch::kCPU, torch::kFloat).contiguous();
  const int64_t classes = scores.size(1);
  const auto* row = scores.const_data_ptr<float>();
  for (int64_t b = 0; b < scores.size(0); ++b, row += classes) {
    const auto* best = std::max_element(row, row + classes);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(double{row[c]} - double{*best});
    for (int64_t c = 0; c < classes; ++c)
      out.probabilities.push_back(
          static_cast<float>(std::exp(double{row[c]} - double{*best}) / sum));
    out.best.push_back(static_cast<uint32_t>(best - row));
  }
}

Status load(const TrainedModel& model, const client::Workspace& workspace) {
  const auto& ours = model.file.manifest();
  const auto& built = workspace.state.manifest();
  if (!(ours == built)) {
    return Error(ErrorCode::kModel,
                 model.path + " holds other tensors than the model " + model.spec.name +
                     " (file | model): " + Manifest::describe_difference(ours, built));
  }
  Bytes flat(ours.total_bytes());
  ATOLL_TRY(model.file.read_flat(0, flat));
  workspace.state.load(flat);
  return {};
}

Result<Predictions> run(const TrainedModel& model, const models::ScriptFile& script,
                        const data::SharedDataset& examples) {
  auto spec = model.spec;
  if (spec.input.empty()) spec.input = examples->shape;
  if (spec.classes == 0) spec.classes = examples->classes;
  if (spec.input != examples->shape) {
    return Error(ErrorCode::kModel,
                 examples->name + " has examples of another shape than " + model.path + " takes");
  }
  client::ArithmeticGuard arithmetic(1);
  const torch::Device device(torch::kCPU);
  const auto pool = client::make_workspace_pool();
  ATOLL_ASSIGN(auto workspace, pool->lease(spec, device, script));
  ATOLL_TRY(load(model, *workspace));
  const torch::NoGradGuard no_grad;
  workspace->model->eval();
  workspace->batches.open(*examples, pool->resident(examples, device));
  data::Indices all(examples->size());
  std::iota(all.begin(), all.end(), 0u);
  Predictions out;
  out.classes = spec.classes;
  for (size_t at = 0; at < all.size(); at += kBatch) {
    const auto piece = std::span(all).subspan(at, std::min(kBatch, all.size() - at));
    add_softmax(out, workspace->model->forward(workspace->batches.load(piece, nullptr).inputs));
  }
  return out;
}

}  // namespace

Result<Predictions> predict(const TrainedModel& model, const models::ScriptFile& script,
                            const data::SharedDataset& examples) {
  try {
    return run(model, script, examples);
  } catch (const std::exception& error) {
    return Error(ErrorCode::kTrainer, std::string("LibTorch: ") + error.what());
  }
}

}  // namespace atl::workbench
