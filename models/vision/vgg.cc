// VGG networks for 32x32 images (Simonyan & Zisserman 2015, configuration A): 3x3 convolutions with
// padding 1, a norm slot and ReLU behind each, 2x2 max pooling between the groups. On 3x32x32 and
// 10 classes, without norms:
//   vgg11      64 M 128 M 256 256 M 512 512 M 512 512 M, classes             9,225,610 parameters
//   vgg11_3fc  the same, then 512 and 512 units, each with dropout 0.5       9,750,922
//              (FedNova's code base; Wang et al. 2020, arXiv 2007.07481)
//   vgg_mini   16 M 32 M 64 64 M 64 64 M, classes                            136,938
#include <array>
#include <span>

#include "models/registry.h"

namespace atl::models {
namespace {

constexpr int64_t kPool = 0;  // M
constexpr std::array<int64_t, 13> kVgg11 = {64,  kPool, 128,   kPool, 256, 256,  kPool,
                                            512, 512,   kPool, 512,   512, kPool};
constexpr std::array<int64_t, 10> kMini = {16, kPool, 32, kPool, 64, 64, kPool, 64, 64, kPool};

enum class Classifier { kOneLayer, kThreeLayers };
constexpr int64_t kUnits = 512;
constexpr double kDropout = 0.5;

class Vgg : public Model {
 public:
  Vgg(const ModelPlan& plan, std::span<const int64_t> layout, Classifier classifier)
      : Model(plan.norm) {
    int64_t channels = plan.input[0], height = plan.input[1], width = plan.input[2];
    for (size_t i = 0; i < layout.size(); ++i) {
      if (layout[i] == kPool) continue;
      const auto number = std::to_string(steps_.size() + 1);
      const bool pooled = layout[i + 1] == kPool;
      auto conv = add_conv("conv" + number, {channels, layout[i], 3, 1}, Behind::kNorm);
      channels = layout[i];
      auto norm = add_norm("norm" + number, {channels, 2, height, width});
      steps_.push_back({std::move(conv), std::move(norm), pooled});
      if (pooled) height /= 2, width /= 2;
    }
    int64_t features = channels * height * width;
    if (classifier == Classifier::kThreeLayers) {
      fc1_ = add_linear("fc1", features, kUnits, Behind::kNothing);
      fc2_ = add_linear("fc2", kUnits, kUnits, Behind::kNothing);
      features = kUnits;
    }
    head_ = add_head(fc1_ ? "fc3" : "fc", features, plan.classes);
  }

  torch::Tensor forward(torch::Tensor x) override {
    for (const auto& [conv, norm, pooled] : steps_) {
      x = apply(norm, conv->forward(x));
      // ReLU behind the pooling: max and ReLU commute, and there is a quarter left to do.
      x = behind(norm, torch::relu(pooled ? max_pool(x) : x));
    }
    x = x.flatten(1);
    if (fc1_) {
      x = torch::relu(fc1_->forward(drop(x, kDropout)));
      x = torch::relu(fc2_->forward(drop(x, kDropout)));
    }
    return head_->forward(x);
  }

 private:
  struct Step {
    LayerPtr conv;
    NormSlot norm;
    bool pooled;
  };
  std::vector<Step> steps_;
  LayerPtr fc1_, fc2_;  // null in networks with one linear layer
  LayerPtr head_;
};

Result<ModelPtr> make_vgg(const ModelPlan& plan, std::string_view name,
                          std::span<const int64_t> layout, Classifier classifier) {
  int64_t least = 1;
  for (int64_t step : layout) least *= step == kPool ? 2 : 1;
  ATOLL_TRY(plan.needs_image_of(name, least));
  return ModelPtr(std::make_shared<Vgg>(plan, layout, classifier));
}

}  // namespace

Result<ModelPtr> make_vgg11(const ModelPlan& plan) {
  return make_vgg(plan, "vgg11", kVgg11, Classifier::kOneLayer);
}
Result<ModelPtr> make_vgg11_3fc(const ModelPlan& plan) {
  return make_vgg(plan, "vgg11_3fc", kVgg11, Classifier::kThreeLayers);
}
Result<ModelPtr> make_vgg_mini(const ModelPlan& plan) {
  return make_vgg(plan, "vgg_mini", kMini, Classifier::kOneLayer);
}

}  // namespace atl::models
