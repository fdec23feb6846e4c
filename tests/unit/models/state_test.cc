#include "models/state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "common/core/hash.h"
#include "common/tensor/safetensors.h"
#include "models/registry.h"
#include "tests/support/temporary_folder.h"

namespace atl::models {
namespace {

ModelPtr made(const char* name, const char* norm = "none") {
  auto model = make_model({.name = name, .norm = norm, .input = {3, 32, 32}, .classes = 10});
  EXPECT_TRUE(model.ok());
  return *model;
}

Bytes flat_of(const Model& model) {
  const ModelState state(model);
  Bytes flat(state.manifest().total_bytes());
  state.store(flat);
  return flat;
}

TEST(ModelState, FlatBytesComeBackThroughAFile) {
  testing::TemporaryFolder folder;
  auto model = made("lenet", "bn");
  initialize(*model, 5);
  model->forward(torch::ones({4, 3, 32, 32}));  // fills the running statistics
  const ModelState state(*model);
  const auto flat = flat_of(*model);
  const auto path = folder.path() + "/model.safetensors";
  ASSERT_TRUE(write_safetensors(path, state.manifest(), {}, ByteView(flat)).ok());

  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->manifest().digest(), state.manifest().digest());
  Bytes read(flat.size());
  ASSERT_TRUE(file->read_flat(0, read).ok());
  auto other = made("lenet", "bn");
  const ModelState other_state(*other);
  other_state.load(read);
  EXPECT_EQ(flat_of(*other), flat);
  for (const auto& item : model->named_parameters())
    EXPECT_TRUE(torch::equal(item.value(), other->named_parameters()[item.key()])) << item.key();
  for (const auto& item : model->named_buffers())
    EXPECT_TRUE(torch::equal(item.value(), other->named_buffers()[item.key()])) << item.key();
  EXPECT_EQ(other->named_buffers()["norm1.num_batches_tracked"].item<int64_t>(), 1);
}

// T14. Whoever writes a model gives every tensor a role, or hears which one has none.
TEST(ModelStateDeath, ATensorWithoutARoleIsABug) {
  struct Careless : Model {
    Careless() : Model(*parse_norm("none")) { register_parameter("stray", torch::zeros({2})); }
    torch::Tensor forward(torch::Tensor x) override { return x; }
  };
  EXPECT_DEATH(manifest_of(*std::make_shared<Careless>()), "tensor without a role: stray");
}

TEST(ModelState, CountersLieBeforeFloatsAndEveryTensorAtItsOffset) {
  auto model = made("lenet", "bn");
  initialize(*model, 6);
  const ModelState state(*model);
  const auto flat = flat_of(*model);
  EXPECT_EQ(state.manifest().tensors()[0].name, "norm1.num_batches_tracked");
  EXPECT_EQ(state.manifest().tensors()[2].name, "conv1.weight");
  for (size_t i = 0; i < state.tensors().size(); ++i) {
    const auto& spec = state.manifest().tensors()[i];
    EXPECT_EQ(std::memcmp(flat.data() + spec.offset, state.tensors()[i].data_ptr(), spec.bytes()),
              0)
        << spec.name;
  }
}

TEST(ModelState, DistanceCountsTrainableTensorsOnly) {
  auto model = made("lenet", "bn");
  initialize(*model, 7);
  const ModelState state(*model);
  const auto flat = flat_of(*model);
  EXPECT_EQ(state.distance_to(flat), 0);
  torch::NoGradGuard no_grad;
  model->named_buffers()["norm1.running_mean"].fill_(100);
  EXPECT_EQ(state.distance_to(flat), 0);
  model->named_parameters()["fc3.bias"].add_(3);
  EXPECT_NEAR(state.distance_to(flat), 3 * std::sqrt(10.0), 1e-5);
}

TEST(Initialize, GoldenDigests) {
  auto lenet = made("lenet");
  initialize(*lenet, 1);
  EXPECT_EQ(hex(sha256(flat_of(*lenet))),
            "2b8215a7a80f045bd17b40171933ef897941f40a1074e80724c720cec7626b0d");
  auto mlp = made("mlp", "bn");
  initialize(*mlp, 42);
  EXPECT_EQ(hex(sha256(flat_of(*mlp))),
            "9a8a58329feae23215ea51fd44208b476f3bd86743add050a61823fc86c9cb40");
}

TEST(Initialize, UniformWithinTheBoundOfTheFanIn) {
  auto model = made("lenet");
  initialize(*model, 3);
  const std::map<std::string, double> fan_in = {
      {"conv1", 75}, {"conv2", 150}, {"fc1", 400}, {"fc2", 120}, {"fc3", 84}};
  for (const auto& item : model->named_parameters()) {
    const double bound = 1 / std::sqrt(fan_in.at(item.key().substr(0, item.key().find('.'))));
    const auto values = item.value().detach().to(torch::kDouble);
    EXPECT_LE(values.abs().max().item<double>(), bound) << item.key();
    const auto count = static_cast<double>(values.numel());
    if (count < 400) continue;
    // Five standard errors of the mean and of the mean square of a uniform variable.
    EXPECT_NEAR(values.mean().item<double>(), 0, 5 * bound / std::sqrt(3 * count)) << item.key();
    EXPECT_NEAR(values.square().mean().item<double>(), bound * bound / 3,
                5 * bound * bound * std::sqrt(4.0 / 45 / count))
        << item.key();
  }
}

TEST(Initialize, NormsStartNeutral) {
  auto model = made("lenet", "bn");
  initialize(*model, 3);
  for (const char* slot : {"norm1", "norm2"}) {
    const std::string prefix = std::string(slot) + ".";
    EXPECT_TRUE((model->named_parameters()[prefix + "weight"] == 1).all().item<bool>());
    EXPECT_TRUE((model->named_parameters()[prefix + "bias"] == 0).all().item<bool>());
    EXPECT_TRUE((model->named_buffers()[prefix + "running_mean"] == 0).all().item<bool>());
    EXPECT_TRUE((model->named_buffers()[prefix + "running_var"] == 1).all().item<bool>());
  }
}

TEST(Initialize, DependsOnSeedAndNameAlone) {
  auto model = made("lenet");
  initialize(*model, 9);
  const auto first = flat_of(*model);
  torch::manual_seed(77);
  std::thread([&] {
    torch::randn({100});
    initialize(*model, 9);
  }).join();
  EXPECT_EQ(flat_of(*model), first);
  initialize(*model, 10);
  EXPECT_NE(flat_of(*model), first);

  auto normed = made("lenet", "ln");
  initialize(*normed, 10);
  for (const char* name : {"conv1.weight", "conv2.weight", "fc1.weight", "fc3.bias"}) {
    EXPECT_TRUE(torch::equal(normed->named_parameters()[name], model->named_parameters()[name]))
        << name;
  }
}

}  // namespace
}  // namespace atl::models
