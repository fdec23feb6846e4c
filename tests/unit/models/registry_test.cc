#include "models/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/state.h"

namespace atl::models {
namespace {

using testing::HasSubstr;

wire::ModelSpec spec_of(std::string name, std::vector<int64_t> input, std::string norm = "none",
                        uint32_t classes = 10) {
  return {.name = std::move(name),
          .norm = std::move(norm),
          .input = std::move(input),
          .classes = classes};
}

ModelPtr made(const wire::ModelSpec& spec) {
  auto model = make_model(spec);
  EXPECT_TRUE(model.ok()) << model.error().message();
  return model.ok() ? *model : nullptr;
}

int64_t parameters(const wire::ModelSpec& spec) {
  int64_t count = 0;
  for (const auto& parameter : made(spec)->parameters()) count += parameter.numel();
  return count;
}

TEST(Registry, ParameterCountsAreThePublishedOnes) {
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32})), 62'006);
  EXPECT_EQ(parameters(spec_of("mlp", {1, 28, 28})), 199'210);
  EXPECT_EQ(parameters(spec_of("cnn_fedavg", {1, 28, 28})), 1'663'370);
  EXPECT_EQ(parameters(spec_of("cnn3", {1, 28, 28})), 80 + 1'168 + 2'320 + 1'450);
  EXPECT_EQ(parameters(spec_of("linear", {1, 28, 28})), 7'850);
  EXPECT_EQ(parameters(spec_of("lenet", {1, 28, 28})), 44'426);
  EXPECT_EQ(parameters(spec_of("mlp", {20}, "none", 3)), 20 * 200 + 200 + 40'200 + 603);
  EXPECT_EQ(parameters(spec_of("vgg11", {3, 32, 32})), 9'225'610);
  EXPECT_EQ(parameters(spec_of("vgg11_3fc", {3, 32, 32})), 9'750'922);
  EXPECT_EQ(parameters(spec_of("vgg_mini", {3, 32, 32})), 136'938);
  EXPECT_EQ(parameters(spec_of("resnet8", {3, 32, 32}, "ln")), 19'842);
  EXPECT_EQ(parameters(spec_of("resnet8_w16", {3, 32, 32}, "ln")), 77'818);
  // 4,800 channels have a norm: 2 parameters each, or a bias without one.
  EXPECT_EQ(parameters(spec_of("resnet18", {3, 32, 32}, "bn,affine=0")), 11'164'362 + 4'800);
  EXPECT_EQ(parameters(spec_of("resnet18", {3, 32, 32})), 11'164'362 + 4'800);
  EXPECT_EQ(parameters(spec_of("resnet18", {3, 32, 32}, "bn")), 11'164'362 + 2 * 4'800);
}

TEST(Registry, NormsBringWhatTheySay) {
  // 6 channels on 28x28, 16 on 10x10; a gain per channel.
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, "ln_e")),
            62'006 - 22 + 2 * (6 * 28 * 28 + 16 * 10 * 10));
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, "ws")), 62'006 + 22);
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, "gn:2+ws")), 62'006 + 22 + 22);
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, "hbn")), 62'006 + 22 + 22);
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, "fn")), 62'006);
  EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, "bn,affine=0")), 62'006);
}

TEST(Registry, ResNet18HasTwentySlotsWithPyTorchsNames) {
  const auto model = made(spec_of("resnet18", {3, 32, 32}, "bn"));
  EXPECT_EQ(model->norm_slots().size(), 20u);
  EXPECT_EQ(made(spec_of("resnet8", {3, 32, 32}))->norm_slots().size(), 6u);
  const auto names = model->named_parameters();
  for (const char* name : {"conv1.weight", "layer1.0.conv1.weight", "layer2.0.downsample.0.weight",
                           "layer2.0.downsample.1.weight", "layer4.1.norm2.bias", "fc.bias"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_EQ(names["layer4.0.downsample.0.weight"].sizes(), (std::vector<int64_t>{512, 256, 1, 1}));
}

TEST(Registry, ModelsSayWhereANormDoesNotFit) {
  const auto model = made(spec_of("lenet", {3, 32, 32}, "gn:4"));
  EXPECT_THAT(model->notes(), testing::ElementsAre("norm1: 6 channels do not divide into 4 groups: "
                                                   "it has 2"));
  EXPECT_THAT(made(spec_of("mlp", {20}, "in"))->notes(),
              testing::ElementsAre(HasSubstr("norm1: "), HasSubstr("norm2: ")));
  EXPECT_THAT(made(spec_of("lenet", {3, 32, 32}, "in"))->notes(), testing::IsEmpty());
}

TEST(Registry, DropoutDependsOnItsStreamAndIsOffInEvaluation) {
  const auto model = made(spec_of("vgg11_3fc", {3, 32, 32}));
  initialize(*model, 2);
  const auto x = torch::randn({2, 3, 32, 32});
  auto draw = [&](uint64_t round) {
    model->draw_from(Rng(1, "dropout", "c1", round));
    return model->forward(x);
  };
  const auto first = draw(1);
  EXPECT_FALSE(torch::equal(model->forward(x), first)) << "the stream goes on";
  EXPECT_TRUE(torch::equal(draw(1), first));
  EXPECT_FALSE(torch::equal(draw(2), first));
  model->eval();
  EXPECT_TRUE(torch::equal(draw(1), draw(2)));
}

// A norm brings 2 parameters per channel and takes the bias of the layer in front.
TEST(Registry, NormsReplaceTheBiasInFront) {
  for (const char* norm : {"bn", "ln", "gn:2"}) {
    EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, norm)), 62'006 + 22) << norm;
    EXPECT_EQ(parameters(spec_of("mlp", {1, 28, 28}, norm)), 199'210 + 400) << norm;
    EXPECT_EQ(parameters(spec_of("cnn_fedavg", {1, 28, 28}, norm)), 1'663'370 + 96) << norm;
  }
}

// T14. Large models have the layers of the small ones; one norm with everything will do.
std::vector<std::string> norms_for(const std::string& model) {
  if (model.starts_with("vgg11") || model == "resnet18") return {"bn+ws"};
  return {"none", "bn",  "bn_fixed", "bn_nostat", "brn", "ln",      "ln_e", "gn:2",
          "in",   "rms", "hbn",      "fbn",       "ws",  "gn:2+ws", "fn",   "ln+fn:mv"};
}

TEST(Registry, EveryModelHasRolesShapesAndPyTorchNames) {
  for (const auto& name : model_names()) {
    for (const auto& norm : norms_for(name)) {
      SCOPED_TRACE(name + " " + norm);
      const auto model = made(spec_of(name, {1, 32, 32}, norm, 7));
      const auto manifest = manifest_of(*model);  // aborts on a tensor without a role
      size_t tensors = 0;
      for (const auto& item : model->named_parameters()) {
        ++tensors;
        const auto* entry = manifest.find(item.key());
        ASSERT_NE(entry, nullptr) << item.key();
        EXPECT_TRUE(is_trainable(entry->role)) << item.key();
      }
      for (const auto& item : model->named_buffers()) {
        ++tensors;
        const auto* entry = manifest.find(item.key());
        ASSERT_NE(entry, nullptr) << item.key();
        EXPECT_FALSE(is_trainable(entry->role)) << item.key();
      }
      EXPECT_EQ(manifest.tensors().size(), tensors);
      EXPECT_EQ(model->roles().size(), tensors);
      initialize(*model, 1);
      const auto logits = model->forward(torch::zeros({5, 1, 32, 32}));
      EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{5, 7}));
      EXPECT_TRUE(torch::isfinite(logits).all().item<bool>());
      logits.sum().backward();
      for (const auto& item : model->named_parameters())
        EXPECT_TRUE(item.value().grad().defined()) << item.key();
    }
  }
}

TEST(Registry, BatchNormTensorsHaveTheirOwnRoles) {
  const auto model = made(spec_of("lenet", {3, 32, 32}, "bn"));
  const auto& roles = model->roles();
  EXPECT_EQ(roles.at("norm1.weight"), Role::kNormGamma);
  EXPECT_EQ(roles.at("norm1.bias"), Role::kNormBeta);
  EXPECT_EQ(roles.at("norm1.running_mean"), Role::kNormMean);
  EXPECT_EQ(roles.at("norm1.running_var"), Role::kNormVar);
  EXPECT_EQ(roles.at("norm1.num_batches_tracked"), Role::kNormCount);
  EXPECT_EQ(roles.at("conv1.weight"), Role::kConvWeight);
  EXPECT_EQ(roles.at("fc1.bias"), Role::kBias);
  EXPECT_EQ(roles.at("fc3.weight"), Role::kHeadWeight);
  EXPECT_EQ(roles.at("fc3.bias"), Role::kHeadBias);
  EXPECT_FALSE(roles.contains("conv1.bias"));
}

struct Refusal {
  wire::ModelSpec spec;
  const char* says;
};

TEST(Registry, RefusesWhatItCannotBuild) {
  const std::vector<Refusal> refusals = {
      {spec_of("resnet", {3, 32, 32}), "unknown model \"resnet\"; there are linear, mlp"},
      {spec_of("lenet", {3, 32, 32}, "gin"), "norm \"gin\" is unknown; there are none, bn, "},
      {spec_of("vgg11", {3, 28, 28}), "at least 32x32, these are 28x28"},
      {spec_of("vgg_mini", {3, 15, 32}), "at least 16x16"},
      {spec_of("resnet18", {54}), "takes images [C, H, W]"},
      {spec_of("lenet", {1, 8, 8}), "at least 16x16, these are 8x8"},
      {spec_of("cnn_fedavg", {1, 3, 8}), "at least 4x4, these are 3x8"},
      {spec_of("lenet", {54}), "takes images [C, H, W]"},
      {spec_of("mlp", {1, 28}), "not a list of 2 numbers"},
      {spec_of("mlp", {}), "not a list of 0 numbers"},
      {spec_of("mlp", {1 << 20, 1 << 20, 1 << 20}), "from 1 to 2^31 elements"},
      {spec_of("mlp", {0}), "from 1 to 2^31 elements"},
      {spec_of("mlp", {4}, "none", 0), "at least one class"},
  };
  for (const auto& refusal : refusals) {
    const auto model = make_model(refusal.spec);
    ASSERT_FALSE(model.ok()) << refusal.says;
    EXPECT_EQ(model.error().code(), ErrorCode::kConfig);
    EXPECT_THAT(model.error().message(), HasSubstr(refusal.says));
  }
  EXPECT_TRUE(make_model(spec_of("lenet", {1, 16, 16})).ok());
  EXPECT_TRUE(make_model(spec_of("cnn_fedavg", {1, 4, 4})).ok());
}

}  // namespace
}  // namespace atl::models
