// A federation of real trainers in one process: it is central training when one client has all the
// data, and neither threads nor arrival order change a bit.
#include "experiments/simulate/simulation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "client/torch_trainer.h"
#include "common/core/rng.h"
#include "common/tensor/safetensors.h"
#include "experiments/bench_train/bare_training.h"
#include "tests/support/points.h"
#include "tests/support/temporary_folder.h"

namespace atl::workbench {
namespace {

using testing::TemporaryFolder;

using testing::points;

Plan plan_of(uint32_t rounds) {
  Plan plan;
  plan.run.name = "points";
  plan.run.seed = 5;
  plan.run.rounds = rounds;
  plan.run.model.name = "mlp";
  plan.run.train.learning_rate = 0.05;
  plan.run.train.batch_size = 16;
  plan.run.poll = std::chrono::milliseconds(500);
  plan.partition.scheme = "iid";
  plan.device = "cpu";
  return plan;
}

Prepared prepared_for(Plan& plan, uint32_t clients) {
  Prepared prepared;
  prepared.splits = {points(240, 1), points(60, 2)};
  plan.partition.clients = clients;
  prepared.partition = make_partition(plan.partition, prepared.splits).value();
  prepared.record.partition = plan.partition;
  prepared.record.partition_sha256 = prepared.partition.sha256;
  return prepared;
}

RunOutcome run(const Plan& plan, const Prepared& prepared, uint32_t threads,
               std::optional<uint64_t> shuffle = {}, std::vector<float>* model = nullptr) {
  TemporaryFolder folder;
  SimulationOptions options;
  options.out = folder.path() + "/run";
  options.threads = threads;
  options.shuffle_arrival = shuffle;
  auto outcome = simulate(plan, prepared, options);
  EXPECT_TRUE(outcome.ok()) << (outcome ? "" : outcome.error().message());
  if (model != nullptr) {
    auto file = SafetensorsFile::open(outcome->model).value();
    model->resize(file.manifest().total_elements());
    EXPECT_TRUE(file.read_flat(0, std::as_writable_bytes(std::span(*model))).ok());
  }
  return *outcome;
}

TEST(Simulation, ThreadsAndArrivalOrderChangeNoBit) {
  auto plan = plan_of(4);
  const auto prepared = prepared_for(plan, 5);
  const auto expected = run(plan, prepared, 1);
  EXPECT_EQ(run(plan, prepared, 2).model_sha256, expected.model_sha256);
  EXPECT_EQ(run(plan, prepared, 4).model_sha256, expected.model_sha256);
  EXPECT_EQ(run(plan, prepared, 2, 11).model_sha256, expected.model_sha256);
  plan.run.seed = 6;
  EXPECT_NE(run(plan, prepared, 2).model_sha256, expected.model_sha256);
}

TEST(Simulation, LearnsAndEvaluatesOnEveryTestExampleOnce) {
  auto plan = plan_of(8);
  const auto prepared = prepared_for(plan, 4);
  const auto outcome = run(plan, prepared, 2);
  EXPECT_GT(outcome.accuracy, 0.9);
  // Counts are whole examples of all 60.
  EXPECT_NEAR(outcome.accuracy * 60, std::round(outcome.accuracy * 60), 1e-9);
}

// The accumulator gives a single client's float32 values back bit for bit (numeric/exact_sum.h), so
// a federation of one is its trainer alone, round after round, without any server.
TEST(Simulation, OneClientWithAllDataIsCentralTrainingBitForBit) {
  auto plan = plan_of(20);
  plan.run.train.momentum = 0.9;
  const auto prepared = prepared_for(plan, 1);
  std::vector<float> federated;
  run(plan, prepared, 1, {}, &federated);

  client::TorchTrainerOptions options;
  options.client = prepared.partition.shares[0].name;
  options.train = prepared.splits.train;
  options.train_indices = prepared.partition.shares[0].train;
  options.device = "cpu";
  auto trainer = client::make_torch_trainer(plan.run.model, options).value();
  ASSERT_TRUE(trainer->initialize(plan.run.seed).ok());
  std::vector<float> central(federated.size());
  auto bytes = std::as_writable_bytes(std::span(central));
  ASSERT_EQ(bytes.size(), trainer->manifest().total_bytes());
  for (uint32_t round = 1; round <= plan.run.rounds; ++round) {
    ASSERT_TRUE(trainer->read(0, bytes).ok());
    ASSERT_TRUE(trainer->receive(0, bytes).ok());
    client::Progress progress;
    client::Task task{round, plan.run.rounds, plan.run.seed, true, false, plan.run.train};
    ASSERT_TRUE(trainer->run(task, progress).ok());
  }
  ASSERT_TRUE(trainer->read(0, bytes).ok());
  EXPECT_EQ(federated, central);
}

// The same against a loop that has nothing of Atoll's trainer in it. Its optimizer rounds in
// another order, so the two agree to rounding errors that training carries along, not to the bit.
TEST(Simulation, OneClientFollowsABareLibTorchLoop) {
  auto plan = plan_of(20);
  const auto prepared = prepared_for(plan, 1);
  std::vector<float> federated;
  run(plan, prepared, 1, {}, &federated);
  const auto bare =
      bench::train_bare(plan.run, *prepared.splits.train, prepared.partition.shares[0].train);
  ASSERT_TRUE(bare.ok()) << bare.error().message();
  const auto& central = (*bare).model;
  ASSERT_EQ(central.size(), federated.size());
  double worst = 0, largest = 0;
  for (size_t i = 0; i < central.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(central[i]) - federated[i]));
    largest = std::max(largest, std::abs(static_cast<double>(central[i])));
  }
  EXPECT_LT(worst, 1e-4) << "largest weight " << largest;
}

TEST(Simulation, AFinishedRunIsLeftAsItIsAndAnotherPartitionIsRefused) {
  auto plan = plan_of(2);
  auto prepared = prepared_for(plan, 3);
  TemporaryFolder folder;
  SimulationOptions options;
  options.out = folder.path() + "/run";
  options.threads = 2;
  const auto first = simulate(plan, prepared, options);
  ASSERT_TRUE(first.ok());
  const auto again = simulate(plan, prepared, options);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.value().model_sha256, first.value().model_sha256);
  const auto other = prepared_for(plan, 2);
  const auto refused = simulate(plan, other, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);
}

}  // namespace
}  // namespace atl::workbench
