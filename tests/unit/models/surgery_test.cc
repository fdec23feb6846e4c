#include "models/surgery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn.h>

namespace atl::models {
namespace {

namespace nn = torch::nn;
using testing::HasSubstr;

nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return nn::Conv2d(
      nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// ResNet-18 as others write it: plain layers in Sequentials.
struct Block : nn::Module {
  Block(int64_t in, int64_t out, int64_t stride) {
    body = register_module(
        "body", nn::Sequential(conv(in, out, 3, stride), nn::BatchNorm2d(out), nn::ReLU(),
                               conv(out, out, 3, 1), nn::BatchNorm2d(out)));
    if (stride != 1 || in != out) {
      shortcut = register_module("shortcut",
                                 nn::Sequential(conv(in, out, 1, stride), nn::BatchNorm2d(out)));
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::relu(body->forward(x) + (shortcut ? shortcut->forward(x) : x));
  }
  nn::Sequential body{nullptr}, shortcut{nullptr};
};

struct Net : nn::Module {
  explicit Net(int64_t width) {
    stem = register_module("stem", nn::Sequential(conv(3, width, 3, 1), nn::BatchNorm2d(width)));
    stages = register_module("stages", nn::Sequential());
    int64_t in = width;
    for (int64_t stage = 0; stage < 4; ++stage) {
      const int64_t out = width << stage;
      stages->push_back(std::make_shared<Block>(in, out, stage == 0 ? 1 : 2));
      stages->push_back(std::make_shared<Block>(out, out, 1));
      in = out;
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return stages->forward(torch::relu(stem->forward(x)));
  }
  nn::Sequential stem{nullptr}, stages{nullptr};
};

class Surgery : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(29);
    for (auto& p : net_.parameters()) p.detach().uniform_(-0.5, 0.5);
  }
  Net net_{4};
  const torch::Tensor x_ = torch::randn({2, 3, 8, 8});
};

// T16
TEST_F(Surgery, AResNet18HasTwentySites) {
  const auto before = net_.forward(x_);
  const auto gamma = net_.named_parameters()["stages.2.body.1.weight"].detach().clone();
  const auto report = replace_norms(net_, *parse_norm("ln"));
  ASSERT_TRUE(report.ok()) << report.error().explain();
  ASSERT_EQ(report->size(), 20u);
  EXPECT_EQ((*report)[0].site, "stem.1");
  EXPECT_EQ((*report)[0].old_norm, "BatchNorm2d(4)");
  EXPECT_EQ((*report)[0].new_norm, "ln");
  for (const auto& one : *report) EXPECT_TRUE(one.copied) << one.site;
  // What runs and what is registered are the new layers, with the old values.
  EXPECT_TRUE(torch::equal(net_.named_parameters()["stages.2.body.1.weight"], gamma));
  EXPECT_EQ(net_.named_buffers().size(), 0u);
  const auto after = net_.forward(x_);
  EXPECT_FALSE(torch::allclose(after, before));
  net_.eval();
  EXPECT_TRUE(torch::equal(net_.forward(x_), after)) << "ln has no second way";
  after.sum().backward();
  EXPECT_TRUE(net_.named_parameters()["stages.2.body.1.weight"].grad().defined());
  EXPECT_TRUE(replace_norms(net_, *parse_norm("bn"))->empty()) << "ours are no foreign norms";
}

TEST_F(Surgery, TheSameNormChangesNoOutput) {
  net_.forward(x_);  // running statistics
  net_.eval();
  const auto before = net_.forward(x_);
  ASSERT_EQ(replace_norms(net_, *parse_norm("bn"))->size(), 20u);
  EXPECT_EQ(net_.named_buffers()["stem.1.num_batches_tracked"].item<int64_t>(), 1);
  EXPECT_TRUE(torch::allclose(net_.forward(x_), before));
}

TEST_F(Surgery, TakesWhatIsWantedAndSaysWhatItDidInstead) {
  const auto report = replace_norms(net_, *parse_norm("gn:8"), [](const std::string& site) {
    return site.starts_with("stem") || site.find("shortcut") != std::string::npos;
  });
  ASSERT_EQ(report->size(), 4u);
  EXPECT_THAT((*report)[0].note, HasSubstr("it has 4"));
  EXPECT_EQ((*report)[3].note, "");
  const auto none = replace_norms(net_, *parse_norm("none"));
  ASSERT_EQ(none->size(), 16u);
  EXPECT_FALSE((*none)[0].copied);
  EXPECT_FALSE(net_.named_parameters().contains("stages.0.body.1.weight"));
  EXPECT_TRUE(torch::isfinite(net_.forward(x_)).all().item<bool>());
}

TEST_F(Surgery, OtherNormsOfPyTorch) {
  nn::Sequential net(nn::GroupNorm(2, 4), nn::LayerNorm(nn::LayerNormOptions({4, 6, 6})),
                     nn::InstanceNorm2d(nn::InstanceNorm2dOptions(4).affine(true)), nn::Flatten(),
                     nn::BatchNorm1d(144), nn::LayerNorm(nn::LayerNormOptions({144})));
  net->to(torch::kDouble);
  const auto report = replace_norms(*net, *parse_norm("ln"));
  ASSERT_TRUE(report.ok()) << report.error().explain();
  ASSERT_EQ(report->size(), 5u);
  EXPECT_EQ((*report)[0].old_norm, "GroupNorm(2, 4)");
  EXPECT_EQ((*report)[1].old_norm, "LayerNorm(4, 6, 6)");
  EXPECT_TRUE((*report)[0].copied);
  EXPECT_FALSE((*report)[1].copied) << "a value per element is none per channel";
  const auto x = torch::randn({2, 4, 6, 6}, torch::kDouble);
  const auto y = net->forward(x);
  EXPECT_EQ(y.scalar_type(), torch::kDouble);
  EXPECT_LE(y.mean(1).abs().max().item<double>(), 1e-6);
}

struct Typed : nn::Module {
  nn::BatchNorm2d bn = register_module("bn", nn::BatchNorm2d(4));
};

TEST_F(Surgery, RefusesWhatItCannotDoAndLeavesItWhole) {
  const auto typed = std::make_shared<Typed>();
  nn::Sequential net(nn::BatchNorm2d(4));
  net->register_module("typed", typed);
  const auto held = replace_norms(*net, *parse_norm("ln"));
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(held.error().explain(), HasSubstr("typed.bn"));
  EXPECT_TRUE(net->named_buffers().contains("0.running_mean")) << "nothing has changed";

  const auto sized = replace_norms(net_, *parse_norm("ln_e"));
  ASSERT_FALSE(sized.ok());
  EXPECT_THAT(sized.error().explain(), HasSubstr("stem.1"));
  EXPECT_TRUE(net_.named_buffers().contains("stem.1.running_mean"));
  const auto ws = replace_norms(net_, *parse_norm("ln+ws"));
  ASSERT_FALSE(ws.ok());
  EXPECT_EQ(ws.error().code(), ErrorCode::kConfig);
}

}  // namespace
}  // namespace atl::models
