// The client's loop when links break, freeze and come back: nothing is trained twice, nothing is
// lost, and the model is the undisturbed run's.
#include "client/federation_loop.h"

#include <asio/post.hpp>
#include <atomic>
#include <cmath>

#include "common/core/rng.h"
#include "tests/support/federation.h"

namespace atl {
namespace {

using testing::add_amount;
using testing::config_of;
using testing::Federation;

asio::awaitable<void> cut_again_and_again(Federation& f, uint64_t seed, int& cuts) {
  Rng rng(seed, "cuts");
  net::Event never(f.io().get_executor());
  for (;;) {
    co_await never.wait_for(std::chrono::milliseconds(1 + rng.below(4)));
    f.network().cut("c" + std::to_string(rng.below(4)));
    ++cuts;
  }
}

std::string run_with_cuts(uint64_t seed, int& cuts) {
  Federation f(config_of(8, 4));
  for (int k = 0; k < 4; ++k) {
    f.add({"c" + std::to_string(k), 10, 5,
           add_amount(0.1f * static_cast<float>(k + 1), 3 + static_cast<uint64_t>(k))});
  }
  if (seed != 0) asio::co_spawn(f.io(), cut_again_and_again(f, seed, cuts), asio::detached);
  EXPECT_TRUE(f.run().ok());
  return f.digest();
}

TEST(FederationLoop, LinksThatBreakAllTheTimeChangeNoBit) {
  int cuts = 0;
  const auto undisturbed = run_with_cuts(0, cuts);
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(run_with_cuts(seed, cuts), undisturbed) << "seed " << seed;
  }
  EXPECT_GT(cuts, 20);
}

TEST(FederationLoop, AnUpdateThatWasFinishedIsOfferedAgainNotTrainedAgain) {
  Federation f(config_of(1, 1));
  std::atomic<int> trained{0};
  auto step = add_amount(1, 10);
  f.add({"a", 10, 0, [&](const client::Task& task, std::span<float> model) {
           ++trained;
           asio::post(f.io(), [&f] { f.network().cut("a"); });
           return step(task, model);
         }});
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(trained, 1);
  EXPECT_EQ(f.model()[0], 2.0f);
}

TEST(FederationLoop, AFrozenClientIsOutOfTheRoundAndBackInTheNext) {
  auto config = config_of(2, 2);
  config.quorum = 1;
  config.progress = std::chrono::milliseconds(150);
  Federation f(config);
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.add({"b", 10, 0, [&](const client::Task& task, std::span<float> model) {
           if (task.round == 1) asio::post(f.io(), [&f] { f.network().freeze("b", true); });
           return add_amount(3, 10)(task, model);
         }});
  f.server().context().watch = [&f](const server::RunEvent& event) {
    // Round 1 closed without b: it thaws, and takes part in round 2.
    if (event.kind == server::RunEvent::Kind::kRoundClosed && event.round == 1) {
      EXPECT_EQ(event.clients, 1u);
      f.network().freeze("b", false);
    }
  };
  ASSERT_TRUE(f.run().ok());
  const auto metrics = f.metrics();
  EXPECT_NE(metrics.find("\"event\":\"client\",\"round\":1,\"client\":\"a\""), std::string::npos);
  EXPECT_EQ(metrics.find("\"event\":\"client\",\"round\":1,\"client\":\"b\""), std::string::npos);
  EXPECT_NE(metrics.find("\"event\":\"client\",\"round\":2,\"client\":\"b\""), std::string::npos)
      << metrics;
}

TEST(FederationLoop, ARoundWithoutItsQuorumIsTriedAgain) {
  auto config = config_of(1, 2);
  Federation f(config);
  std::atomic<int> bad{0};
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.add({"b", 10, 0, [&](const client::Task& task, std::span<float> model) {
           auto report = add_amount(1, 10)(task, model);
           if (bad++ == 0) model[0] = NAN;
           return report;
         }});
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(bad, 2);
  EXPECT_EQ(f.model()[0], 2.0f);
}

TEST(FederationLoop, AnotherModelIsRefusedForGoodAndNamed) {
  Federation f(config_of(1, 1));
  f.add({"a", 10, 0, add_amount(1, 10)});
  std::vector<TensorSpec> tensors = testing::small_manifest().tensors();
  tensors[0].shape = {4, 5};
  f.add({"other", 10, 0, add_amount(1, 10), Manifest::make(tensors).value()});
  f.server().context().min_members = 1;
  ASSERT_TRUE(f.run().ok());
  // Either "other" asked first and drew the model (then "a" is refused), or the other way about.
  const bool a_out = !f.ended()["a"].ok(), other_out = !f.ended()["other"].ok();
  ASSERT_NE(a_out, other_out);
  const auto& error = f.ended()[a_out ? "a" : "other"].error();
  EXPECT_EQ(error.code(), ErrorCode::kModel);
  EXPECT_NE(error.message().find("fc.weight"), std::string::npos) << error.message();
}

TEST(FederationLoop, ATrainerThatFailsEndsItsClientWithTheReason) {
  auto config = config_of(1, 2);
  config.quorum = 1;
  config.progress = std::chrono::milliseconds(300);
  Federation f(config);
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.add({"b", 10, 0, [](const client::Task&, std::span<float>) -> Result<client::TrainReport> {
           return Error(ErrorCode::kTrainer, "the loss is not finite in step 3");
         }});
  ASSERT_TRUE(f.run().ok());
  ASSERT_FALSE(f.ended()["b"].ok());
  EXPECT_EQ(f.ended()["b"].error().code(), ErrorCode::kTrainer);
}

TEST(FederationLoop, AStoppedServerKeepsWhatItCommitted) {
  Federation f(config_of(100000, 1));
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.server().context().watch = [&f](const server::RunEvent& event) {
    if (event.kind == server::RunEvent::Kind::kRoundClosed && event.round == 3) f.server().stop();
  };
  auto outcome = f.run();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), ErrorCode::kInterrupted);
  EXPECT_GE(f.server().context().store->round(), 3u);
}

}  // namespace
}  // namespace atl
