// The CNN of McMahan et al. 2017 (arXiv 1602.05629, section 3): two 5x5 convolutions of 32 and 64
// channels with 2x2 max pooling, a layer of 512 units with ReLU, the classes. 1,663,370 parameters
// on 28x28x1 and 10 classes, which fixes the padding at 2.
#include "models/registry.h"

namespace atl::models {
namespace {

constexpr int64_t kLeastSide = 4;  // two poolings

class CnnFedavg : public Model {
 public:
  explicit CnnFedavg(const ModelPlan& plan)
      : Model(plan.norm),
        conv1_(add_conv("conv1", {plan.input[0], 32, 5, 2}, Behind::kNorm)),
        norm1_(add_norm("norm1", {32, 2, plan.input[1], plan.input[2]})),
        conv2_(add_conv("conv2", {32, 64, 5, 2}, Behind::kNorm)),
        norm2_(add_norm("norm2", {64, 2, plan.input[1] / 2, plan.input[2] / 2})),
        fc1_(add_linear("fc1", 64 * (plan.input[1] / 2 / 2) * (plan.input[2] / 2 / 2), 512,
                        Behind::kNothing)),
        fc2_(add_head("fc2", 512, plan.classes)) {}

  torch::Tensor forward(torch::Tensor x) override {
    // ReLU behind the pooling: max and ReLU commute, and there is a quarter left to do.
    x = behind(norm1_, torch::relu(max_pool(apply(norm1_, conv1_->forward(x)))));
    x = behind(norm2_, torch::relu(max_pool(apply(norm2_, conv2_->forward(x)))));
    x = torch::relu(fc1_->forward(x.flatten(1)));
    return fc2_->forward(x);
  }

 private:
  LayerPtr conv1_;
  NormSlot norm1_;
  LayerPtr conv2_;
  NormSlot norm2_;
  LayerPtr fc1_, fc2_;
};

}  // namespace

Result<ModelPtr> make_cnn_fedavg(const ModelPlan& plan) {
  ATOLL_TRY(plan.needs_image_of("cnn_fedavg", kLeastSide));
  return ModelPtr(std::make_shared<CnnFedavg>(plan));
}

}  // namespace atl::models
