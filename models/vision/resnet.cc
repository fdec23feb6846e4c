// Residual networks for small images (He et al. 2016), stem without pooling: a 3x3 convolution,
// stages of basic blocks of which each but the first halves the image and doubles the channels, the
// mean over the image, the classes. A block is y = ReLU(norm(conv(ReLU(norm(conv(x))))) + x), x
// through a 1x1 convolution where the shape changes.
//   resnet18     4 stages of 2 blocks, 64 channels at first, a norm slot behind every convolution
//                (20 slots). 11,164,362 parameters without norms and biases, 3x32x32, 10 classes
//   resnet8      3 stages of 1 block, 8 channels at first; slots in the blocks only, neither at the
//                stem nor on the 1x1 convolutions (6 slots). 19,618 without norms and biases,
//                19,842 with ln
//   resnet8_w16  the same with 16 channels at first: 77,370; 77,818 with ln
#include "models/registry.h"

namespace atl::models {
namespace {

struct Shape {
  int stages = 0, blocks = 0;
  int64_t width = 0;
  bool norm_everywhere = false;
};

class ResNet : public Model {
 public:
  ResNet(const ModelPlan& plan, const Shape& shape)
      : Model(plan.norm), everywhere_(shape.norm_everywhere) {
    int64_t channels = shape.width, height = plan.input[1], width = plan.input[2];
    stem_ = add_conv("conv1", {plan.input[0], channels, 3, 1}, bare());
    if (everywhere_) stem_norm_ = add_norm("norm1", {channels, 2, height, width});
    for (int stage = 0; stage < shape.stages; ++stage) {
      for (int block = 0; block < shape.blocks; ++block) {
        const bool halves = stage > 0 && block == 0;
        if (halves) height = (height + 1) / 2, width = (width + 1) / 2;
        const int64_t out = halves ? 2 * channels : channels;
        add_block("layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".", channels,
                  {out, 2, height, width}, halves ? 2 : 1);
        channels = out;
      }
    }
    head_ = add_head("fc", channels, plan.classes);
  }

  torch::Tensor forward(torch::Tensor x) override {
    x = stem_->forward(x);
    x = everywhere_ ? behind(stem_norm_, torch::relu(apply(stem_norm_, x))) : torch::relu(x);
    for (const auto& block : blocks_) x = forward(block, x);
    return head_->forward(x.mean({2, 3}));
  }

 private:
  struct Block {
    LayerPtr conv1, conv2;
    NormSlot norm1, norm2;
    LayerPtr shortcut;  // null: x as it is
    NormSlot shortcut_norm;
  };

  // A convolution outside the blocks' paths. It has no bias in either network.
  Behind bare() const { return everywhere_ ? Behind::kNorm : Behind::kNoBias; }

  void add_block(const std::string& prefix, int64_t in, const NormSite& site, int64_t stride) {
    const int64_t out = site.channels;
    Block block;
    block.conv1 = add_conv(prefix + "conv1", {in, out, 3, 1, stride}, Behind::kNorm);
    block.norm1 = add_norm(prefix + "norm1", site);
    block.conv2 = add_conv(prefix + "conv2", {out, out, 3, 1}, Behind::kNorm);
    block.norm2 = add_norm(prefix + "norm2", site);
    if (stride != 1 || in != out) {
      block.shortcut = add_conv(prefix + "downsample.0", {in, out, 1, 0, stride}, bare());
      if (everywhere_) block.shortcut_norm = add_norm(prefix + "downsample.1", site);
    }
    blocks_.push_back(std::move(block));
  }

  torch::Tensor forward(const Block& block, const torch::Tensor& x) const {
    auto y = apply(block.norm1, block.conv1->forward(x));
    y = behind(block.norm1, torch::relu(y));
    y = apply(block.norm2, block.conv2->forward(y));
    if (!block.shortcut) return behind(block.norm2, torch::relu(y + x));
    auto short_way = block.shortcut->forward(x);
    if (!everywhere_) return behind(block.norm2, torch::relu(y + short_way));
    y = torch::relu(y + apply(block.shortcut_norm, short_way));
    return behind(block.shortcut_norm, behind(block.norm2, y));
  }

  bool everywhere_;  // slots at the stem and on the 1x1 convolutions too
  LayerPtr stem_;
  NormSlot stem_norm_;
  std::vector<Block> blocks_;
  LayerPtr head_;
};

Result<ModelPtr> make_resnet(const ModelPlan& plan, std::string_view name, const Shape& shape) {
  ATOLL_TRY(plan.needs_image(name));
  return ModelPtr(std::make_shared<ResNet>(plan, shape));
}

}  // namespace

Result<ModelPtr> make_resnet18(const ModelPlan& plan) {
  return make_resnet(plan, "resnet18", {4, 2, 64, true});
}
Result<ModelPtr> make_resnet8(const ModelPlan& plan) {
  return make_resnet(plan, "resnet8", {3, 1, 8, false});
}
Result<ModelPtr> make_resnet8_w16(const ModelPlan& plan) {
  return make_resnet(plan, "resnet8_w16", {3, 1, 16, false});
}

}  // namespace atl::models
