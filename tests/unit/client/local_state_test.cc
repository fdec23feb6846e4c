// What a client keeps to itself: the store of two rounds, and the trainer that hides it.
#include "client/local_state.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "client/local_trainer.h"
#include "common/core/file.h"
#include "tests/support/federation.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

using client::LocalState;
using testing::bytes_of;
using testing::ScriptedTrainer;
using testing::spec;
using testing::TemporaryFolder;
using testing::values_of;

// A linear layer and a normalization of two channels.
Manifest normed() {
  return Manifest::make({spec("fc.weight", DType::kF32, {2}, Role::kLinearWeight),
                         spec("bn.weight", DType::kF32, {2}, Role::kNormGamma),
                         spec("bn.running_mean", DType::kF32, {2}, Role::kNormMean),
                         spec("bn.running_var", DType::kF32, {2}, Role::kNormVar)})
      .value();
}

Manifest one_tensor() {
  return Manifest::make({spec("bn.running_mean", DType::kF32, {2}, Role::kNormMean)}).value();
}

class LocalStateTest : public ::testing::TestWithParam<bool> {
 protected:
  std::string folder() const { return GetParam() ? folder_.path() + "/local" : std::string(); }
  TemporaryFolder folder_;
};

TEST_P(LocalStateTest, ARoundStartsFromTheNewestBeforeItHoweverOftenItIsTrained) {
  LocalState state(folder());
  const auto tensors = one_tensor();
  EXPECT_FALSE(state.before(1, "me", tensors));
  for (uint32_t round : {1u, 3u, 4u}) {
    const auto value = static_cast<float>(round);
    ASSERT_TRUE(state.save(round, "me", tensors, bytes_of<float>({value, -value})).ok());
  }
  EXPECT_EQ(values_of<float>(*state.before(9, "me", tensors)), (std::vector<float>{4, -4}));
  // Round 4 again: as the first time, from round 3; and it may be saved again.
  EXPECT_EQ(values_of<float>(*state.before(4, "me", tensors)), (std::vector<float>{3, -3}));
  ASSERT_TRUE(state.save(4, "me", tensors, bytes_of<float>({40, 0})).ok());
  EXPECT_EQ(values_of<float>(*state.before(4, "me", tensors)), (std::vector<float>{3, -3}));
  EXPECT_EQ(values_of<float>(*state.before(5, "me", tensors)), (std::vector<float>{40, 0}));
  EXPECT_FALSE(state.before(3, "me", tensors)) << "two rounds are kept, not three";
}

TEST_P(LocalStateTest, AnotherOwnersOrModelsValuesAreNone) {
  LocalState state(folder());
  const auto tensors = one_tensor();
  ASSERT_TRUE(state.save(7, "an old run", tensors, bytes_of<float>({1, 2})).ok());
  EXPECT_FALSE(state.before(8, "me", tensors));
  const auto wider =
      Manifest::make({spec("bn.running_mean", DType::kF32, {3}, Role::kNormMean)}).value();
  EXPECT_FALSE(state.before(8, "an old run", wider));
  // A new run begins at round 1: nothing of the old one is left to be taken for it later.
  ASSERT_TRUE(state.save(1, "me", tensors, bytes_of<float>({5, 6})).ok());
  EXPECT_FALSE(state.before(9, "an old run", tensors));
  EXPECT_EQ(values_of<float>(*state.before(9, "me", tensors)), (std::vector<float>{5, 6}));
}
INSTANTIATE_TEST_SUITE_P(InMemoryAndOnDisk, LocalStateTest, ::testing::Bool());

TEST(LocalStateFiles, ADamagedFileCountsAsNone) {
  TemporaryFolder folder;
  const auto tensors = one_tensor();
  LocalState state(folder.path());
  for (uint32_t round : {1u, 2u}) {
    const auto value = static_cast<float>(round);
    ASSERT_TRUE(state.save(round, "me", tensors, bytes_of<float>({value, value})).ok());
  }
  const auto path = folder.path() + "/round-000002.safetensors";
  auto text = read_text(path).value();
  text.back() = static_cast<char>(text.back() ^ 1);
  ASSERT_TRUE(write_atomic(path, text).ok());
  EXPECT_EQ(values_of<float>(*LocalState(folder.path()).before(3, "me", tensors)),
            (std::vector<float>{1, 1}));
  // What is none of ours is left alone.
  ASSERT_TRUE(write_atomic(folder.path() + "/round-x.safetensors", "no").ok());
  ASSERT_TRUE(state.save(3, "me", tensors, bytes_of<float>({3, 3})).ok());
  EXPECT_TRUE(exists(folder.path() + "/round-x.safetensors"));
  EXPECT_FALSE(exists(folder.path() + "/round-000001.safetensors"));
}

// Adds 1 to everything and remembers what it began with.
struct Local {
  explicit Local(std::string folder) {
    auto step = [this](const client::Task&, std::span<float> model) -> Result<client::TrainReport> {
      seen.assign(model.begin(), model.end());
      for (auto& value : model) value += 1;
      return client::TrainReport{};
    };
    trainer = client::keep_local(std::make_unique<ScriptedTrainer>(normed(), 10, 10, step),
                                 std::move(folder), "run", "me");
  }
  // Receives, runs, and gives back what would be uploaded.
  std::vector<float> round(uint32_t number, wire::RoleRules roles, bool train = true) {
    client::Task task{.round = number, .total_rounds = 9, .seed = 1, .train = train};
    task.settings.roles = std::move(roles);
    EXPECT_TRUE(trainer->receive(0, bytes_of<float>({10, 11, 20, 21, 30, 31, 40, 41})).ok());
    client::Progress progress;
    const auto report = trainer->run(task, progress);
    EXPECT_TRUE(report.ok()) << report.error().explain();
    Bytes update(trainer->manifest().total_bytes());
    // In pieces that cut tensors in two.
    for (size_t at = 0; at < update.size(); at += 12) {
      const auto size = std::min<size_t>(12, update.size() - at);
      EXPECT_TRUE(trainer->read(at, MutableByteView(update).subspan(at, size)).ok());
    }
    return values_of<float>(update);
  }
  std::unique_ptr<client::Trainer> trainer;
  std::vector<float> seen;
};

using Floats = std::vector<float>;
const wire::RoleRules kFedbn{.local = {Role::kNormGamma, Role::kNormMean, Role::kNormVar}};

TEST(LocalTrainer, WithoutRulesItIsTheTrainer) {
  Local local("");
  EXPECT_EQ(local.round(1, {}), (Floats{11, 12, 21, 22, 31, 32, 41, 42}));
}

TEST(LocalTrainer, LocalTensorsGoOnFromRoundToRoundAndNeverLeave) {
  TemporaryFolder folder;
  Local local(folder.path());
  const Floats upload{11, 12, 20, 21, 30, 31, 40, 41};
  EXPECT_EQ(local.round(1, kFedbn), upload);
  EXPECT_EQ(local.seen, (Floats{10, 11, 20, 21, 30, 31, 40, 41}))
      << "round 1 begins with the model's";
  EXPECT_EQ(local.round(2, kFedbn), upload);
  EXPECT_EQ(local.seen, (Floats{10, 11, 21, 22, 31, 32, 41, 42}));
  // Round 2 again: the same beginning.
  EXPECT_EQ(local.round(2, kFedbn), upload);
  EXPECT_EQ(local.seen, (Floats{10, 11, 21, 22, 31, 32, 41, 42}));
  // A client that was restarted has them back; an evaluation sees them and keeps nothing.
  Local again(folder.path());
  again.round(5, kFedbn, /*train=*/false);
  EXPECT_EQ(again.seen, (Floats{10, 11, 22, 23, 32, 33, 42, 43}));
  again.round(6, kFedbn);
  EXPECT_EQ(again.seen, (Floats{10, 11, 22, 23, 32, 33, 42, 43}));
}

TEST(LocalTrainer, ResetTensorsBeginAnewAndFixedOnesAreAsReceived) {
  Local local("");
  EXPECT_EQ(local.round(1, {.reset = {Role::kNormMean, Role::kNormVar}}),
            (Floats{11, 12, 21, 22, 30, 31, 40, 41}));
  EXPECT_EQ(local.seen, (Floats{10, 11, 20, 21, 0, 0, 1, 1}));
  EXPECT_EQ(local.round(2, {.fixed = {Role::kNormMean}}), (Floats{11, 12, 21, 22, 30, 31, 41, 42}));
  EXPECT_EQ(local.seen, (Floats{10, 11, 20, 21, 30, 31, 40, 41}));
  // Rules of a round are forgotten with the next model.
  EXPECT_EQ(local.round(3, {}), (Floats{11, 12, 21, 22, 31, 32, 41, 42}));
}

TEST(LocalTrainer, ARunThatFailsKeepsNothing) {
  TemporaryFolder folder;
  auto fails = [](const client::Task&, std::span<float>) -> Result<client::TrainReport> {
    return Error(ErrorCode::kInterrupted, "stopped");
  };
  auto trainer = client::keep_local(std::make_unique<ScriptedTrainer>(normed(), 10, 10, fails),
                                    folder.path() + "/local", "run", "me");
  client::Task task{.round = 1};
  task.settings.roles = kFedbn;
  client::Progress progress;
  EXPECT_FALSE(trainer->run(task, progress).ok());
  EXPECT_FALSE(exists(folder.path() + "/local"));
}

// The whole way: server, wire, client loop. What is local goes up by one a round at each client,
// and the server's copy stays what it was.
TEST(LocalTrainer, InAFederationTheServerNeverSeesThem) {
  auto config = testing::config_of(3, 2);
  config.policy = "fedbn";
  testing::Federation f(config);
  std::map<std::string, std::vector<float>> began;  // bn.running_mean[0] by round
  for (const char* name : {"a", "b"}) {
    const float amount = name[0] == 'a' ? 1 : 5;
    // Clients train side by side: each has a list of its own, made before.
    auto step = [&mine = began[name], amount](
                    const client::Task& task,
                    std::span<float> model) -> Result<client::TrainReport> {
      client::TrainReport report;
      if (!task.train) return report;
      mine.push_back(model[4]);
      for (auto& value : model) value += amount;
      report.examples = 1;
      report.steps = 1;
      return report;
    };
    f.add({.name = name, .step = step, .manifest = normed()});
  }
  ASSERT_TRUE(f.run().ok());
  // Initial values: seed + index.
  EXPECT_EQ(began["a"], (Floats{5, 6, 7}));
  EXPECT_EQ(began["b"], (Floats{5, 10, 15}));
  EXPECT_EQ(f.model(), (Floats{1 + 3 * 3, 2 + 3 * 3, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace atl
