// A small CNN with a norm slot at three depths, for experiments about what happens with depth:
// three 3x3 convolutions of 8, 16 and 16 channels, each with its norm, ReLU and 2x2 max pooling,
// then the classes. Du et al. 2022 (arXiv 2210.03277) show three such layers in figure 3, without
// their widths.
#include "models/registry.h"

namespace atl::models {
namespace {

constexpr int64_t kLeastSide = 8;  // three poolings

class Cnn3 : public Model {
 public:
  explicit Cnn3(const ModelPlan& plan)
      : Model(plan.norm),
        conv1_(add_conv("conv1", {plan.input[0], 8, 3, 1}, Behind::kNorm)),
        norm1_(add_norm("norm1", {8, 2, plan.input[1], plan.input[2]})),
        conv2_(add_conv("conv2", {8, 16, 3, 1}, Behind::kNorm)),
        norm2_(add_norm("norm2", {16, 2, plan.input[1] / 2, plan.input[2] / 2})),
        conv3_(add_conv("conv3", {16, 16, 3, 1}, Behind::kNorm)),
        norm3_(add_norm("norm3", {16, 2, plan.input[1] / 4, plan.input[2] / 4})),
        head_(add_head("head", 16 * (plan.input[1] / 8) * (plan.input[2] / 8), plan.classes)) {}

  torch::Tensor forward(torch::Tensor x) override {
    x = block(conv1_, norm1_, x);
    x = block(conv2_, norm2_, x);
    x = block(conv3_, norm3_, x);
    return head_->forward(x.flatten(1));
  }

 private:
  // ReLU behind the pooling: max and ReLU commute, and there is a quarter left to do.
  torch::Tensor block(const LayerPtr& conv, const NormSlot& norm, const torch::Tensor& x) const {
    return behind(norm, torch::relu(max_pool(apply(norm, conv->forward(x)))));
  }

  LayerPtr conv1_;
  NormSlot norm1_;
  LayerPtr conv2_;
  NormSlot norm2_;
  LayerPtr conv3_;
  NormSlot norm3_;
  LayerPtr head_;
};

}  // namespace

Result<ModelPtr> make_cnn3(const ModelPlan& plan) {
  ATOLL_TRY(plan.needs_image_of("cnn3", kLeastSide));
  return ModelPtr(std::make_shared<Cnn3>(plan));
}

}  // namespace atl::models
