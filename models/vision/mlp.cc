// The 2NN of McMahan et al. 2017 (arXiv 1602.05629, section 3): two hidden layers of 200 units with
// ReLU. 199,210 parameters on 28x28x1 and 10 classes.
#include "models/registry.h"

namespace atl::models {
namespace {

constexpr int64_t kHidden = 200;

class Mlp : public Model {
 public:
  explicit Mlp(const ModelPlan& plan)
      : Model(plan.norm),
        fc1_(add_linear("fc1", plan.features(), kHidden, Behind::kNorm)),
        norm1_(add_norm("norm1", {kHidden, 0})),
        fc2_(add_linear("fc2", kHidden, kHidden, Behind::kNorm)),
        norm2_(add_norm("norm2", {kHidden, 0})),
        fc3_(add_head("fc3", kHidden, plan.classes)) {}

  torch::Tensor forward(torch::Tensor x) override {
    x = behind(norm1_, torch::relu(apply(norm1_, fc1_->forward(x.flatten(1)))));
    x = behind(norm2_, torch::relu(apply(norm2_, fc2_->forward(x))));
    return fc3_->forward(x);
  }

 private:
  LayerPtr fc1_;
  NormSlot norm1_;
  LayerPtr fc2_;
  NormSlot norm2_;
  LayerPtr fc3_;
};

}  // namespace

Result<ModelPtr> make_mlp(const ModelPlan& plan) { return ModelPtr(std::make_shared<Mlp>(plan)); }

}  // namespace atl::models
