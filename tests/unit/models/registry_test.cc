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
}

// A norm brings 2 parameters per channel and takes the bias of the layer in front.
TEST(Registry, NormsReplaceTheBiasInFront) {
  for (const char* norm : {"bn", "ln", "gn:2"}) {
    EXPECT_EQ(parameters(spec_of("lenet", {3, 32, 32}, norm)), 62'006 + 22) << norm;
    EXPECT_EQ(parameters(spec_of("mlp", {1, 28, 28}, norm)), 199'210 + 400) << norm;
    EXPECT_EQ(parameters(spec_of("cnn_fedavg", {1, 28, 28}, norm)), 1'663'370 + 96) << norm;
  }
}

TEST(Registry, EveryModelHasRolesShapesAndPyTorchNames) {
  for (const auto& name : model_names()) {
    for (const char* norm : {"none", "bn", "ln", "gn:2"}) {
      SCOPED_TRACE(name + " " + norm);
      const auto model = made(spec_of(name, {1, 28, 28}, norm, 7));
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
      const auto logits = model->forward(torch::zeros({5, 1, 28, 28}));
      EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{5, 7}));
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
      {spec_of("lenet", {3, 32, 32}, "in"), "norm \"in\" is unknown; there are none, bn, ln, gn:G"},
      {spec_of("lenet", {3, 32, 32}, "gn:4"), "6 channels do not divide into 4 groups"},
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
