// Who is chosen, and when a participant's time is up.
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <cmath>
#include <map>
#include <set>

#include "server/round.h"
#include "server/selection/selector.h"

namespace atl {
namespace {

using server::Participant;
using server::Phase;
using server::Round;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::steady_clock;

std::vector<std::string> names(size_t count) {
  std::vector<std::string> all;
  for (size_t i = 0; i < count; ++i) all.push_back("c" + std::to_string(10 + i));
  return all;
}

TEST(Selector, ChoosesEveryClientAndEveryPairEquallyOften) {
  auto selector = server::make_uniform_selector(3);
  const auto all = names(10);
  std::map<std::string, int> seen;
  std::map<std::pair<std::string, std::string>, int> pairs;
  constexpr int n = 6'000;
  for (uint32_t round = 1; round <= n; ++round) {
    const auto chosen = selector->select(all, 3, round, 0);
    ASSERT_EQ(chosen.size(), 3u);
    ASSERT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
    ASSERT_EQ(std::set<std::string>(chosen.begin(), chosen.end()).size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      ++seen[chosen[i]];
      for (size_t j = i + 1; j < 3; ++j) ++pairs[{chosen[i], chosen[j]}];
    }
  }
  const auto check = [](int count, double p) {
    EXPECT_NEAR(count, n * p, 4 * std::sqrt(n * p * (1 - p)));
  };
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(pairs.size(), 45u);
  for (const auto& [name, count] : seen) check(count, 0.3);
  for (const auto& [pair, count] : pairs) check(count, 1.0 / 15);
}

TEST(Selector, IsAFunctionOfSeedRoundAndAttempt) {
  const auto all = names(40);
  const auto choose = [&all](uint64_t seed, uint32_t round, uint32_t attempt) {
    return server::make_uniform_selector(seed)->select(all, 10, round, attempt);
  };
  EXPECT_EQ(choose(1, 2, 3), choose(1, 2, 3));
  EXPECT_NE(choose(1, 2, 3), choose(2, 2, 3));
  EXPECT_NE(choose(1, 2, 3), choose(1, 3, 3));
  EXPECT_NE(choose(1, 2, 3), choose(1, 2, 4));
  // Earlier rounds leave no trace: a server that starts anew chooses the same.
  auto selector = server::make_uniform_selector(1);
  (void)selector->select(all, 10, 1, 0);
  EXPECT_EQ(selector->select(all, 10, 2, 3), choose(1, 2, 3));
}

TEST(Selector, TakesAllWhenThereAreTooFew) {
  auto selector = server::make_uniform_selector(1);
  EXPECT_EQ(selector->select(names(3), 3, 1, 0), names(3));
  EXPECT_EQ(selector->select(names(3), 9, 1, 0), names(3));
  EXPECT_TRUE(selector->select({}, 5, 1, 0).empty());
  EXPECT_TRUE(selector->select(names(3), 0, 1, 0).empty());
}

class RoundTest : public ::testing::Test {
 protected:
  RoundTest() { round_.add("a", true, false), round_.add("b", true, true); }
  // As if nothing had come from this client for an hour.
  Participant& silent(const std::string& name) {
    auto& participant = *round_.active(name);
    participant.last_progress = steady_clock::now() - minutes(60);
    return participant;
  }
  bool stalled() const { return round_.trainers(minutes(2)).stalled > 0; }
  asio::io_context io_;
  Round round_{io_.get_executor(), 3, wire::Task{}, nullptr};
};

TEST_F(RoundTest, CountsWhereEveryoneIs) {
  round_.add("judge", false, true);
  round_.done(*round_.active("a"));
  silent("b");
  const auto count = round_.trainers(minutes(2));
  EXPECT_EQ(count.done, 1u);
  EXPECT_EQ(count.stalled, 1u);
  EXPECT_EQ(count.open + count.failed, 0u);
  EXPECT_EQ(round_.evaluators(minutes(2)).open, 1u);
  EXPECT_EQ(round_.active("a"), nullptr);
  EXPECT_EQ(round_.active("nobody"), nullptr);
  round_.fail(*round_.active("b"));
  EXPECT_EQ(round_.trainers(minutes(2)).failed, 1u);
}

TEST_F(RoundTest, HandsOutOnlyWhatIsLeftToDo) {
  ASSERT_NE(round_.task_for("b"), nullptr);
  EXPECT_TRUE(round_.task_for("b")->train);
  EXPECT_TRUE(round_.task_for("b")->evaluate);
  EXPECT_FALSE(round_.task_for("a")->evaluate);
  EXPECT_EQ(round_.task_for("nobody"), nullptr);
  round_.done(*round_.active("a"));
  EXPECT_EQ(round_.task_for("a"), nullptr);
}

TEST_F(RoundTest, EveryKindOfProgressMovesTheDeadline) {
  for (Phase phase : {Phase::kWaiting, Phase::kFetching, Phase::kTraining, Phase::kUploading}) {
    auto& participant = silent("a");
    ASSERT_TRUE(stalled());
    round_.progress(participant, phase);
    EXPECT_FALSE(stalled());
    EXPECT_EQ(participant.phase, phase);
  }
}

// A client that was killed trains again from step 0; its steps must count.
TEST_F(RoundTest, ARestartedClientsStepsCountFromZero) {
  auto& participant = *round_.active("a");
  participant.steps_done = 900;
  round_.progress(participant, Phase::kWaiting);
  EXPECT_EQ(participant.steps_done, 0u);
}

// A supervisor restarts a client that dies in every training: the round must not wait for ever.
TEST_F(RoundTest, BeginningOverAndOverIsNoProgress) {
  for (uint32_t i = 0; i < Round::kMaxHandouts; ++i) {
    round_.progress(silent("a"), Phase::kWaiting);
    ASSERT_FALSE(stalled()) << i;
  }
  auto& participant = silent("a");
  round_.progress(participant, Phase::kWaiting);
  EXPECT_TRUE(stalled());
  round_.progress(participant, Phase::kFetching);
  EXPECT_TRUE(stalled());
  // Bytes of an update are: an upload resumes where it was.
  round_.progress(participant, Phase::kUploading);
  EXPECT_FALSE(stalled());
}

TEST_F(RoundTest, TheNextDeadlineIsTheEarliestOpenOne) {
  const auto now = steady_clock::now();
  round_.active("a")->last_progress = now - milliseconds(500);
  round_.active("b")->last_progress = now - milliseconds(900);
  EXPECT_LE(round_.until_next_deadline(milliseconds(1'000)), milliseconds(101));
  round_.done(*round_.active("b"));
  const auto next = round_.until_next_deadline(milliseconds(1'000));
  EXPECT_GT(next, milliseconds(101));
  EXPECT_LE(next, milliseconds(501));
  round_.done(*round_.active("a"));
  EXPECT_EQ(round_.until_next_deadline(milliseconds(1'000)), milliseconds(1'001));
}

TEST_F(RoundTest, AMissedDeadlineIsToldOnceUntilThereIsProgressAgain) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(round_.take_late(minutes(2)), Names{});
  silent("a");
  silent("b");
  EXPECT_EQ(round_.take_late(minutes(2)), (Names{"a", "b"}));
  EXPECT_EQ(round_.take_late(minutes(2)), Names{});
  round_.progress(*round_.active("a"), Phase::kUploading);
  EXPECT_EQ(round_.take_late(minutes(2)), Names{});
  silent("a");
  round_.done(*round_.active("b"));
  EXPECT_EQ(round_.take_late(minutes(2)), Names{"a"});
}

}  // namespace
}  // namespace atl
