#include "models/script/scripted_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "models/state.h"
#include "tests/support/scripts.h"
#include "tests/support/temporary_folder.h"

namespace atl::models {
namespace {

using atl::testing::ScriptBuilder;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Scripted : public ::testing::Test {
 protected:
  std::string saved(const torch::jit::Module& module, const torch::jit::ExtraFilesMap& extra = {}) {
    const auto path = folder_.path() + "/net.pt";
    module.save(path, extra);
    return path;
  }
  static wire::ModelSpec spec(std::vector<int64_t> input, uint32_t classes) {
    return {.name = "torchscript", .input = std::move(input), .classes = classes};
  }
  // "CODE: message; hint" of a refusal.
  static std::string refusal(const wire::ModelSpec& spec, const ScriptFile& file) {
    const auto model = make_model(spec, file);
    if (model) return "none";
    const auto& error = model.error();
    return std::to_string(error.exit_status()) + ": " + error.message() + "; " + error.hint();
  }
  std::string refusal(const torch::jit::Module& module, std::map<std::string, Role> roles = {}) {
    return refusal(spec({6}, 3), {saved(module), std::move(roles)});
  }
  atl::testing::TemporaryFolder folder_;
};

std::string text_of(const Manifest& manifest) {
  std::string text;
  for (const auto& tensor : manifest.tensors())
    text += tensor.name + "=" + std::string(to_string(tensor.role)) + " ";
  return text;
}

TEST_F(Scripted, LeNetIsTheBuiltInModelTensorByTensor) {
  const auto path = saved(atl::testing::scripted_lenet(28, 10));
  const std::map<std::string, Role> head = {{"fc3.weight", Role::kHeadWeight},
                                            {"fc3.bias", Role::kHeadBias}};
  auto ours = make_model(spec({1, 28, 28}, 10), {path, head});
  ASSERT_TRUE(ours.ok()) << ours.error().message();
  auto theirs = make_model({.name = "lenet", .input = {1, 28, 28}, .classes = 10});
  ASSERT_TRUE(theirs.ok());
  const ModelState a(**ours), b(**theirs);
  ASSERT_EQ(a.manifest(), b.manifest())
      << Manifest::describe_difference(a.manifest(), b.manifest());

  initialize(**ours, 3);
  initialize(**theirs, 3);
  Bytes x(a.manifest().total_bytes()), y(x.size());
  a.store(x);
  b.store(y);
  EXPECT_EQ(x, y);  // drawn from the seed, whatever the file held
  const auto images = torch::rand({5, 1, 28, 28});
  EXPECT_TRUE(torch::equal((*ours)->forward(images), (*theirs)->forward(images)));
}

TEST_F(Scripted, RolesFollowFromWhatStandsTogether) {
  ScriptBuilder build;
  auto net = build.module("Net");
  net.register_buffer("table", torch::zeros({4}));
  net.register_module("words", [&] {
    auto words = build.module("Embedding");
    ScriptBuilder::parameter(words, "weight", {9, 6});
    return words;
  }());
  net.register_module("norm", build.batch_norm(6));
  net.register_module("layer", [&] {
    auto norm = build.module("LayerNorm");
    ScriptBuilder::parameter(norm, "weight", {6});
    ScriptBuilder::parameter(norm, "bias", {6});
    return norm;
  }());
  auto rnn = build.module("GRU");
  ScriptBuilder::parameter(rnn, "weight_ih_l0", {9, 6});
  ScriptBuilder::parameter(rnn, "bias_ih_l0", {9});
  net.register_module("rnn", rnn);
  net.register_module("fc", build.layer("Linear", {3, 6}));
  net.define(R"(
def forward(self, x):
  x = torch.layer_norm(x, [6], self.layer.weight, self.layer.bias)
  return torch.linear(self.norm.forward(x), self.fc.weight, self.fc.bias)
)");
  const auto model = make_model(spec({6}, 3), {saved(net), {}});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(text_of(manifest_of(**model)),
            "norm.num_batches_tracked=norm_count table=buffer words.weight=embedding "
            "norm.weight=norm_gamma norm.bias=norm_beta norm.running_mean=norm_mean "
            "norm.running_var=norm_var layer.weight=norm_gamma layer.bias=norm_beta "
            "rnn.weight_ih_l0=linear_weight rnn.bias_ih_l0=bias fc.weight=linear_weight "
            "fc.bias=bias ");

  // A file may say it itself, and the configuration has the last word.
  const auto said = saved(net, {{"atoll.roles", "fc.weight head_weight\nfc.bias head_bias\n"}});
  const auto other = make_model(spec({6}, 3), {said, {{"fc.bias", Role::kBias}}});
  ASSERT_TRUE(other.ok()) << other.error().message();
  EXPECT_THAT(text_of(manifest_of(**other)), HasSubstr("fc.weight=head_weight fc.bias=bias"));
}

TEST_F(Scripted, EvaluationAndTrainingReachTheNormsInside) {
  ScriptBuilder build;
  auto net = build.module("Net");
  net.register_module("norm", build.batch_norm(6));
  net.register_module("fc", build.layer("Linear", {3, 6}));
  net.define(
      "def forward(self, x):\n"
      "  return torch.linear(self.norm.forward(x), self.fc.weight, self.fc.bias)\n");
  auto model = make_model(spec({6}, 3), {saved(net), {}});
  ASSERT_TRUE(model.ok()) << model.error().message();
  initialize(**model, 1);
  const auto rows = torch::rand({8, 6}) + 4;
  const ModelState state(**model);
  const auto& mean = state.tensors()[3];
  ASSERT_EQ(state.manifest().tensors()[3].role, Role::kNormMean);
  (*model)->eval();
  (*model)->forward(rows);
  EXPECT_EQ(mean.abs().max().item<float>(), 0);
  (*model)->train();
  (*model)->forward(rows);
  EXPECT_TRUE(torch::allclose(mean, rows.mean(0) * 0.1));
}

TEST_F(Scripted, WhatIsNoTorchScriptIsRefused) {
  EXPECT_THAT(refusal(spec({6}, 3), {}), AllOf(HasSubstr("3: "), HasSubstr("none is named"),
                                               HasSubstr("under [model] in client.toml")));
  EXPECT_THAT(refusal(spec({6}, 3), {folder_.path() + "/nowhere.pt", {}}),
              AllOf(HasSubstr("5: "), HasSubstr("nowhere.pt"), HasSubstr("No such file")));
  const auto text = folder_.path() + "/text.pt";
  ASSERT_TRUE(write_atomic(text, "import torch\n").ok());
  EXPECT_THAT(refusal(spec({6}, 3), {text, {}}),
              AllOf(HasSubstr("11: cannot use "), HasSubstr("text.pt"),
                    HasSubstr("no TorchScript file"), HasSubstr("torch.jit.script(net).save")));
  const auto good = saved(atl::testing::scripted_linear(6, 3));
  const auto cut = folder_.path() + "/cut.pt";
  const auto whole = read_text(good);
  ASSERT_TRUE(whole.ok());
  ASSERT_TRUE(write_atomic(cut, whole->substr(0, whole->size() / 2)).ok());
  EXPECT_THAT(refusal(spec({6}, 3), {cut, {}}), HasSubstr("no TorchScript file"));
  auto with_norm = spec({6}, 3);
  with_norm.norm = "bn";
  EXPECT_THAT(refusal(with_norm, {good, {}}), AllOf(HasSubstr("3: "), HasSubstr("no slots")));
  EXPECT_EQ(refusal(spec({6}, 3), {good, {}}), "none");
}

TEST_F(Scripted, ShapesThatDoNotFitAreRefused) {
  const ScriptFile file{saved(atl::testing::scripted_linear(6, 3)), {}};
  EXPECT_THAT(refusal(spec({5}, 3), file),
              AllOf(HasSubstr("11: "), HasSubstr("does not take examples of 5"),
                    HasSubstr("cannot be multiplied")));
  EXPECT_THAT(refusal(spec({6}, 4), file),
              AllOf(HasSubstr("for 2 examples it gives 2x3"), HasSubstr("wanted is 2x4")));
  ScriptBuilder build;
  auto pair = build.module("Net");
  pair.register_module("fc", build.layer("Linear", {3, 6}));
  pair.define(
      "def forward(self, x):\n"
      "  return (torch.linear(x, self.fc.weight, self.fc.bias), x)\n");
  EXPECT_THAT(refusal(pair), HasSubstr("does not take examples of 6"));
}

TEST_F(Scripted, TensorsThatCannotBeSharedAreRefused) {
  const auto plain = [] { return atl::testing::scripted_linear(6, 3); };
  auto unknown = plain();
  ScriptBuilder::parameter(unknown, "scale", {6});
  EXPECT_THAT(refusal(unknown),
              AllOf(HasSubstr("11: "), HasSubstr("what these tensors are for: scale Float[6]"),
                    HasSubstr("roles = [\"scale=ROLE\"]"), HasSubstr("norm_gamma")));
  EXPECT_EQ(refusal(unknown, {{"scale", Role::kNormGamma}}), "none");
  EXPECT_THAT(refusal(unknown, {{"scale", Role::kLinearWeight}}),
              HasSubstr("scale Float[6] cannot be a linear_weight"));
  EXPECT_THAT(refusal(unknown, {{"scale", Role::kNormGamma}, {"skale", Role::kNormGamma}}),
              AllOf(HasSubstr("3: "), HasSubstr("names skale")));

  auto mask = plain();
  mask.register_buffer("mask", torch::ones({6}, torch::kBool));
  EXPECT_THAT(refusal(mask), AllOf(HasSubstr("mask is Bool[6]"), HasSubstr("make it uint8")));
  auto wide = plain();
  wide.register_parameter("weight", torch::ones({2, 2}, torch::kDouble), false);
  EXPECT_THAT(refusal(wide), HasSubstr("weight is Double[2, 2], not float32"));
  auto tied = plain();
  tied.register_parameter("weight", tied.attr("fc").toModule().attr("weight").toTensor(), false);
  EXPECT_THAT(refusal(tied), HasSubstr("are one tensor under two names"));

  const auto says_nonsense = saved(plain(), {{"atoll.roles", "fc.weight wheel\n"}});
  EXPECT_THAT(refusal(spec({6}, 3), {says_nonsense, {}}), HasSubstr("unknown role wheel"));
}

}  // namespace
}  // namespace atl::models
