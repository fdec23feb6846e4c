// Policies for normalization layers, through the whole federation: T10 to T13 of the study.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "client/torch_trainer.h"
#include "common/core/rng.h"
#include "common/tensor/safetensors.h"
#include "experiments/simulate/simulation.h"
#include "tests/support/points.h"
#include "tests/support/temporary_folder.h"

namespace atl::workbench {
namespace {

using testing::points;

struct PolicyRun {
  explicit PolicyRun(const std::string& policy, uint32_t rounds = 3,
                     const std::string& norm = "bn") {
    plan.run.name = "points";
    plan.run.seed = 5;
    plan.run.rounds = rounds;
    plan.run.model = {.name = "mlp", .norm = norm};
    plan.run.train.learning_rate = 0.05;
    plan.run.train.batch_size = 16;
    plan.run.poll = std::chrono::milliseconds(500);
    plan.run.policy = policy;
    plan.run.keep = 100;
    plan.device = "cpu";
    prepared.splits = {points(120, 1, true), points(60, 2, true)};
    // The first half of either set is client a's, the other, which is moved, client b's.
    auto range = [](uint32_t from, uint32_t count) {
      data::Indices indices(count);
      std::iota(indices.begin(), indices.end(), from);
      return indices;
    };
    prepared.partition.shares = {{"a", range(0, 60), range(0, 30)},
                                 {"b", range(60, 60), range(30, 30)}};
    prepared.partition.sha256 = "0";
    prepared.record.partition = plan.partition;
    prepared.record.partition_sha256 = "0";
  }

  RunOutcome simulate(uint32_t threads = 2, std::optional<uint64_t> shuffle = {}) {
    SimulationOptions options;
    options.out = folder.path() + "/run" + std::to_string(++runs);
    out = options.out;
    options.threads = threads;
    options.shuffle_arrival = shuffle;
    auto outcome = workbench::simulate(plan, prepared, options);
    EXPECT_TRUE(outcome.ok()) << (outcome ? "" : outcome.error().explain());
    return *outcome;
  }

  // A tensor's bytes in a file of the run.
  Bytes tensor(const std::string& file, const std::string& name) const {
    const auto opened = SafetensorsFile::open(out + "/" + file);
    EXPECT_TRUE(opened.ok()) << file;
    const auto* spec = opened->manifest().find(name);
    if (spec == nullptr) return {};
    Bytes bytes(spec->bytes());
    EXPECT_TRUE(opened->read_flat(spec->offset, bytes).ok());
    return bytes;
  }
  Bytes at(uint32_t round, const std::string& name) const {
    return tensor("checkpoints/" + file_of(round), name);
  }
  Bytes local(const std::string& client, uint32_t round, const std::string& name) const {
    return tensor("local/" + client + "/" + file_of(round), name);
  }
  static std::string file_of(uint32_t round) {
    return "round-00000" + std::to_string(round) + ".safetensors";
  }

  testing::TemporaryFolder folder;
  Plan plan;
  Prepared prepared;
  std::string out;
  int runs = 0;
};

const std::vector<std::string> kStatistics = {"norm1.running_mean", "norm1.running_var",
                                              "norm1.num_batches_tracked"};

TEST(Policies, FedbnKeepsEveryClientsNormAndTheServersUntouched) {  // T10
  PolicyRun run("fedbn");
  run.simulate();
  auto names = kStatistics;
  names.insert(names.end(), {"norm1.weight", "norm1.bias"});
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(run.local("a", 3, name).empty());
    EXPECT_EQ(run.at(3, name), run.at(0, name)) << "the server's";
    if (name != "norm1.num_batches_tracked") {
      EXPECT_NE(run.local("a", 3, name), run.local("b", 3, name));
    }
    EXPECT_NE(run.local("a", 2, name), run.local("a", 3, name));
  }
  EXPECT_EQ(run.local("a", 3, "fc1.weight"), Bytes()) << "what is shared is not kept";
  EXPECT_NE(run.at(3, "fc1.weight"), run.at(2, "fc1.weight"));
  EXPECT_FALSE(exists(run.out + "/local/a/" + PolicyRun::file_of(1)));
}

TEST(Policies, SilobnSharesGammaAndKeepsStatistics) {  // T11
  PolicyRun run("silobn");
  run.simulate();
  EXPECT_EQ(run.local("a", 3, "norm1.weight"), Bytes());
  EXPECT_NE(run.at(3, "norm1.weight"), run.at(0, "norm1.weight"));
  EXPECT_NE(run.local("a", 3, "norm1.running_mean"), run.local("b", 3, "norm1.running_mean"));
  for (const auto& name : kStatistics) EXPECT_EQ(run.at(3, name), run.at(0, name)) << name;
}

TEST(Policies, FixbnFreezesTheStatisticsAndGoesOnLearning) {  // T12
  PolicyRun run("fixbn", 4);
  run.simulate();
  for (const auto& name : kStatistics) {
    SCOPED_TRACE(name);
    EXPECT_NE(run.at(1, name), run.at(2, name));
    EXPECT_EQ(run.at(2, name), run.at(3, name));
    EXPECT_EQ(run.at(3, name), run.at(4, name));
  }
  EXPECT_NE(run.at(3, "norm1.weight"), run.at(4, "norm1.weight"));
  EXPECT_NE(run.at(3, "fc1.weight"), run.at(4, "fc1.weight"));
}

TEST(Policies, CountersStayIntegersAndTakeTheMaximum) {  // T13
  PolicyRun run("all");
  run.plan.run.train.batch_size = 50;
  run.prepared.partition.shares[1].train.resize(40);  // one batch a round, not two
  run.simulate();
  const auto bytes = run.at(3, "norm1.num_batches_tracked");
  int64_t count = 0;
  ASSERT_EQ(bytes.size(), sizeof(count));
  std::memcpy(&count, bytes.data(), sizeof(count));
  EXPECT_EQ(count, 6);
}

// The statistics that are reset are never the server's; evaluations make their own, and see that
// the weights are good.
TEST(Policies, AffineOnlyEvaluatesWithStatisticsOfTheClients) {
  PolicyRun run("affine_only", 8);
  run.plan.run.train.learning_rate = 0.1;
  const auto outcome = run.simulate();
  for (const auto& name : kStatistics) EXPECT_EQ(run.at(8, name), run.at(0, name)) << name;
  EXPECT_NE(run.at(8, "norm1.weight"), run.at(0, "norm1.weight"));
  EXPECT_GT(outcome.accuracy, 0.75);
  EXPECT_FALSE(exists(run.out + "/local"));
}

TEST(Policies, EveryPolicyIsDeterministicAndFitsEveryNorm) {
  for (const char* policy : {"fedbn", "affine_only", "hbn", "fedper"}) {
    for (const char* norm : {"hbn", "ln"}) {
      SCOPED_TRACE(std::string(policy) + " " + norm);
      PolicyRun run(policy, 2, norm);
      const auto one = run.simulate(1).model_sha256;
      EXPECT_EQ(run.simulate(2, 77).model_sha256, one);
      // What is local is a difference that the shared tensors feel.
      PolicyRun all("all", 2, norm);
      const bool same = std::string(norm) == "ln" &&
                        (std::string(policy) == "affine_only" || std::string(policy) == "hbn");
      EXPECT_EQ(all.simulate().model_sha256 == one, same);
    }
  }
}

}  // namespace
}  // namespace atl::workbench
