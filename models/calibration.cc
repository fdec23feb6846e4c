#include "models/calibration.h"

namespace atl::models {
namespace {

void use(Model& model, Statistics statistics) {
  for (const auto& slot : model.norm_slots())
    if (slot.layer) slot.layer->use(statistics);
}

}  // namespace

StatisticsGuard::StatisticsGuard(Model& model, Statistics statistics) : model_(model) {
  use(model_, statistics);
}

StatisticsGuard::~StatisticsGuard() { use(model_, Statistics::kUsual); }

void recalibrate(Model& model, int64_t batches, const std::function<torch::Tensor()>& next) {
  torch::NoGradGuard no_grad;
  model.eval();
  StatisticsGuard guard(model, Statistics::kCumulative);
  for (int64_t i = 0; i < batches; ++i) model.forward(next());
}

}  // namespace atl::models
