// A server that is drained finishes what it has begun, and begins nothing.
#include <asio/post.hpp>

#include "tests/support/federation.h"

namespace atl {
namespace {

using testing::add_amount;
using testing::config_of;
using testing::Federation;

// Adds 1, and has the server drained when `round` trains.
testing::ScriptedTrainer::Step draining_in(Federation& federation, uint32_t round) {
  return [&federation, round, add = add_amount(1, 10)](const client::Task& task,
                                                       std::span<float> model) {
    if (task.train && task.round == round)
      asio::post(federation.io(), [&federation] { federation.server().drain(); });
    return add(task, model);
  };
}

TEST(Drain, TheOpenRoundIsCommittedAndNoOtherBegins) {
  Federation f(config_of(5, 2));
  f.add({"a", 10, 0, draining_in(f, 2)});
  f.add({"b", 10, 0, add_amount(1, 10)});
  const auto outcome = f.run();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), ErrorCode::kInterrupted);
  EXPECT_EQ(f.server().context().store->round(), 2u);
  EXPECT_EQ(f.model()[0], 1.0f + 2.0f);
  EXPECT_FALSE(f.server().context().finished);
  EXPECT_NE(f.metrics().find("\"event\":\"draining\",\"round\":1"), std::string::npos);
  auto unfinished = f.server().context().store->ledger().unfinished(3);
  ASSERT_TRUE(unfinished.ok());
  EXPECT_FALSE(unfinished->has_value());
  // Nobody was told that the run is over: clients look for the server again.
  EXPECT_TRUE(f.ended().empty());
}

TEST(Drain, InTheLastRoundTheRunEndsAsItWouldHave) {
  Federation f(config_of(2, 1));
  f.add({"a", 10, 100, draining_in(f, 2)});
  ASSERT_TRUE(f.run().ok());
  EXPECT_TRUE(f.server().context().finished);
  EXPECT_NE(f.metrics().find("\"event\":\"evaluation\",\"round\":2"), std::string::npos);
  EXPECT_TRUE(f.ended()["a"].ok());
}

TEST(Drain, AVoidRoundIsNotTriedAgain) {
  auto config = config_of(5, 1);
  config.quarantine_after = 0;
  Federation f(config);
  f.add(
      {"a", 10, 0, [&f](const client::Task& task, std::span<float>) -> Result<client::TrainReport> {
         if (task.round == 1) asio::post(f.io(), [&f] { f.server().drain(); });
         return Error(ErrorCode::kTrainer, "the loss is not finite");
       }});
  const auto outcome = f.run();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), ErrorCode::kInterrupted);
  EXPECT_EQ(f.server().context().store->round(), 0u);
}

// Two clients are wanted and one has come: nothing is under way, before the first model and after.
TEST(Drain, WhereNoRoundIsOpenItEndsAtOnce) {
  auto config = config_of(5, 2);
  config.poll = std::chrono::hours(1);
  Federation f(config);
  f.server().context().watch = [&f](const server::RunEvent& event) {
    if (event.kind == server::RunEvent::Kind::kClients)
      asio::post(f.io(), [&f] { f.server().drain(); });
  };
  f.add({"a", 10, 0, add_amount(1, 10)});
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome = f.run();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), ErrorCode::kInterrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

}  // namespace
}  // namespace atl
