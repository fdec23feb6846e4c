// The simple CNN of NIID-Bench (Li et al. 2021, arXiv 2102.02079), a LeNet-5 with ReLU and max
// pooling: two 5x5 convolutions of 6 and 16 channels, then 120, 84 and the classes. 62,006
// parameters on 32x32x3 and 10 classes.
#include "models/registry.h"

namespace atl::models {
namespace {

constexpr int64_t kLeastSide = 16;  // leaves one pixel for the first linear layer

// The side of the image after a 5x5 convolution without padding and a 2x2 pooling.
int64_t after_block(int64_t side) { return (side - 4) / 2; }

class LeNet : public Model {
 public:
  explicit LeNet(const ModelPlan& plan)
      : Model(plan.norm),
        conv1_(add_conv("conv1", {plan.input[0], 6, 5}, Behind::kNorm)),
        norm1_(add_norm("norm1", {6, 2, plan.input[1] - 4, plan.input[2] - 4})),
        conv2_(add_conv("conv2", {6, 16, 5}, Behind::kNorm)),
        norm2_(add_norm("norm2",
                        {16, 2, after_block(plan.input[1]) - 4, after_block(plan.input[2]) - 4})),
        fc1_(add_linear(
            "fc1",
            16 * after_block(after_block(plan.input[1])) * after_block(after_block(plan.input[2])),
            120, Behind::kNothing)),
        fc2_(add_linear("fc2", 120, 84, Behind::kNothing)),
        fc3_(add_head("fc3", 84, plan.classes)) {}

  torch::Tensor forward(torch::Tensor x) override {
    // ReLU behind the pooling: max and ReLU commute, and there is a quarter left to do.
    x = behind(norm1_, torch::relu(max_pool(apply(norm1_, conv1_->forward(x)))));
    x = behind(norm2_, torch::relu(max_pool(apply(norm2_, conv2_->forward(x)))));
    x = torch::relu(fc1_->forward(x.flatten(1)));
    x = torch::relu(fc2_->forward(x));
    return fc3_->forward(x);
  }

 private:
  LayerPtr conv1_;
  NormSlot norm1_;
  LayerPtr conv2_;
  NormSlot norm2_;
  LayerPtr fc1_, fc2_, fc3_;
};

}  // namespace

Result<ModelPtr> make_lenet(const ModelPlan& plan) {
  ATOLL_TRY(plan.needs_image_of("lenet", kLeastSide));
  return ModelPtr(std::make_shared<LeNet>(plan));
}

}  // namespace atl::models
