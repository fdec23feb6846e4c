// Federations of a TorchScript model: the twin of a built-in model ends with its bits, and a client
// with another file is turned away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "experiments/simulate/simulation.h"
#include "tests/support/scripts.h"
#include "tests/support/temporary_folder.h"

namespace atl::workbench {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Images of noise with a bright square whose place is the label: four places.
data::SharedDataset squares(size_t count, uint64_t seed) {
  auto set = std::make_shared<data::Dataset>();
  set->name = "squares";
  set->shape = {1, 16, 16};
  set->classes = 4;
  set->mean = {0.5f};
  set->std = {0.25f};
  Rng rng(seed, "squares");
  for (size_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint32_t>(rng.below(4));
    set->labels.push_back(label);
    for (uint32_t y = 0; y < 16; ++y) {
      for (uint32_t x = 0; x < 16; ++x) {
        const bool inside = y / 8 == label / 2 && x / 8 == label % 2;
        set->bytes.push_back(static_cast<uint8_t>(rng.below(200) + (inside ? 40 : 0)));
      }
    }
  }
  return set;
}

class ScriptedRun : public ::testing::Test {
 protected:
  ScriptedRun() {
    plan_.run.name = "twin";
    plan_.run.rounds = 6;
    plan_.run.train.learning_rate = 0.05;
    plan_.run.train.momentum = 0.9;
    plan_.run.train.batch_size = 16;
    plan_.run.poll = std::chrono::milliseconds(500);
    plan_.partition.scheme = "iid";
    plan_.partition.clients = 3;
    plan_.device = "cpu";
    prepared_.splits = {squares(360, 1), squares(90, 2)};
    prepared_.partition = make_partition(plan_.partition, prepared_.splits).value();
    prepared_.record.partition = plan_.partition;
    prepared_.record.partition_sha256 = prepared_.partition.sha256;
  }
  Result<RunOutcome> run(const std::string& model, const std::string& file) {
    plan_.run.model.name = model;
    plan_.script.path = file;
    SimulationOptions options;
    options.out = folder_.path() + "/" + std::to_string(++runs_);
    options.threads = 2;
    options.report = false;
    return simulate(plan_, prepared_, options);
  }
  std::string saved(const torch::jit::Module& module, const std::string& name) {
    module.save(folder_.path() + "/" + name);
    return folder_.path() + "/" + name;
  }
  atl::testing::TemporaryFolder folder_;
  Plan plan_;
  Prepared prepared_;
  int runs_ = 0;
};

TEST_F(ScriptedRun, TheTwinEndsWithTheBuiltInModelsBits) {
  const auto built_in = run("lenet", "");
  ASSERT_TRUE(built_in.ok()) << built_in.error().message();
  const auto twin = run("torchscript", saved(atl::testing::scripted_lenet(16, 4), "net.pt"));
  ASSERT_TRUE(twin.ok()) << twin.error().message();
  EXPECT_GT(built_in->accuracy, 0.8);
  EXPECT_EQ(twin->accuracy, built_in->accuracy);
  EXPECT_EQ(twin->loss, built_in->loss);
  EXPECT_EQ(twin->model_sha256, built_in->model_sha256);
}

TEST_F(ScriptedRun, AModelWithAnotherTableIsTurnedAway) {
  plan_.run.initial_model = run("lenet", "").value().model;
  auto wider = atl::testing::scripted_lenet(16, 4);
  atl::testing::ScriptBuilder::parameter(wider, "gain_weight", {2, 2});
  const auto refused = run("torchscript", saved(wider, "wider.pt"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kModel);
  EXPECT_THAT(refused.error().message(), HasSubstr("gain_weight F32[2,2] linear_weight"));
}

TEST_F(ScriptedRun, PoliciesThatNeedSlotsAreRefused) {
  plan_.run.policy = "affine_only";
  const auto refused = run("torchscript", saved(atl::testing::scripted_lenet(16, 4), "net.pt"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().hint(), HasSubstr("pooled"));
}

}  // namespace
}  // namespace atl::workbench
