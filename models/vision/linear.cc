// Softmax regression: one linear layer on the flattened example.
#include "models/registry.h"

namespace atl::models {
namespace {

class LinearModel : public Model {
 public:
  explicit LinearModel(const ModelPlan& plan)
      : Model(plan.norm), fc_(add_head("fc", plan.features(), plan.classes)) {}
  torch::Tensor forward(torch::Tensor x) override { return fc_->forward(x.flatten(1)); }

 private:
  LayerPtr fc_;
};

}  // namespace

Result<ModelPtr> make_linear_model(const ModelPlan& plan) {
  return ModelPtr(std::make_shared<LinearModel>(plan));
}

}  // namespace atl::models
