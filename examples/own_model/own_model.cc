// A model and a norm of one's own, in one file that no part of Atoll knows: docs/own_model.md
//
//   small_resnet   for images of 8x8 and above: a 3x3 convolution of 16 channels, a residual block
//                  of 16, one of 32 that halves the image, the mean over the image, the classes.
//                  17,306 parameters with gn, 1 channel and 10 classes
//   abs            y = gamma x / (mean |x| + eps) + beta, the mean over (C, H, W) of each example
#include <atoll/models/registry.h>

namespace {

using atl::Result;
using namespace atl::models;

class SmallResNet : public Model {
 public:
  explicit SmallResNet(const ModelPlan& plan) : Model(plan.norm) {
    const NormSite wide{16, 2, plan.input[1], plan.input[2]};
    const NormSite deep{32, 2, (wide.height + 1) / 2, (wide.width + 1) / 2};
    stem_ = add_conv("stem", {plan.input[0], 16, 3, 1}, Behind::kNorm);
    stem_norm_ = add_norm("stem_norm", wide);
    conv1_ = add_conv("block1.conv", {16, 16, 3, 1}, Behind::kNorm);
    norm1_ = add_norm("block1.norm", wide);
    conv2_ = add_conv("block2.conv1", {16, 32, 3, 1, 2}, Behind::kNorm);
    norm2_ = add_norm("block2.norm1", deep);
    conv3_ = add_conv("block2.conv2", {32, 32, 3, 1}, Behind::kNorm);
    norm3_ = add_norm("block2.norm2", deep);
    shortcut_ = add_conv("block2.shortcut", {16, 32, 1, 0, 2}, Behind::kNoBias);
    head_ = add_head("head", 32, plan.classes);
  }

  // [B, C, H, W] -> [B, classes]
  torch::Tensor forward(torch::Tensor x) override {
    x = behind(stem_norm_, torch::relu(apply(stem_norm_, stem_->forward(x))));
    x = behind(norm1_, torch::relu(apply(norm1_, conv1_->forward(x)) + x));
    const auto y = behind(norm2_, torch::relu(apply(norm2_, conv2_->forward(x))));
    x = behind(norm3_, torch::relu(apply(norm3_, conv3_->forward(y)) + shortcut_->forward(x)));
    return head_->forward(x.mean({2, 3}));
  }

 private:
  LayerPtr stem_, conv1_, conv2_, conv3_, shortcut_, head_;
  NormSlot stem_norm_, norm1_, norm2_, norm3_;
};

Result<ModelPtr> make_small_resnet(const ModelPlan& plan) {
  ATOLL_TRY(plan.needs_image_of("small_resnet", 8));
  return ModelPtr(std::make_shared<SmallResNet>(plan));
}

class AbsNorm : public NormLayer {
 public:
  AbsNorm(const NormSpec& spec, const NormSite& site) : epsilon_(spec.epsilon) {
    add_affine({site.channels}, spec.affine);
  }

  torch::Tensor forward(const torch::Tensor& x) override {
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[0] = x.size(0);
    const auto mean = x.abs().flatten(1).mean(1).view(shape);
    return affine(x / (mean + epsilon_), gamma_, beta_);
  }

 private:
  double epsilon_;
};

Result<NormPtr> make_abs_norm(const NormSpec& spec, const NormSite& site) {
  return NormPtr(std::make_shared<AbsNorm>(spec, site));
}

ATOLL_REGISTER_MODEL("small_resnet", make_small_resnet);
ATOLL_REGISTER_NORM(.name = "abs", .make = make_abs_norm);

}  // namespace
