// Every control message lost once, with short waits; `atoll bench network` does it with the
// product's. A kind of message that never passes here is one that nobody has tried to lose.
#include "experiments/bench/network/lost_frames.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/temporary_folder.h"

namespace atl::bench {
namespace {

using net::Duration;

FramePace short_pace() {
  FramePace pace;
  pace.patience = Duration(3'000);
  pace.certificate = Duration(3'000);
  pace.poll = Duration(300);
  pace.heartbeat = Duration(100);
  pace.training = Duration(150);
  pace.pause = Duration(20);
  return pace;
}
constexpr Duration kLimit{30'000};

TEST(LostFrames, EachCostsOneWaitAndNoBit) {
  testing::TemporaryFolder folder;
  const auto pace = short_pace();
  const auto undisturbed =
      run_without(std::nullopt, folder.path() + "/undisturbed", pace, kLimit).value();
  ASSERT_EQ(undisturbed.problem, "");
  const wire::Message bye = wire::Bye{};
  std::vector<std::future<Result<FrameRun>>> runs;
  for (size_t kind = 0; kind < Losing::kinds().size(); ++kind) {
    EXPECT_GT(undisturbed.counts[kind], 0u) << Losing::kinds()[kind] << " never passes";
    // The server waits 35 s for who has not said bye.
    if (kind == bye.index()) continue;
    for (size_t number = 1; number <= undisturbed.counts[kind]; ++number) {
      const LostFrame lost{kind, number};
      runs.push_back(std::async(std::launch::async, [&, lost] {
        return run_without(lost, folder.path() + "/" + lost.name(), pace, kLimit);
      }));
    }
  }
  // One that loses nothing, on a machine as busy as the others have it.
  const auto beside =
      run_without(std::nullopt, folder.path() + "/beside", pace, kLimit).value().seconds;
  for (auto& one : runs) {
    const auto run = one.get().value();
    EXPECT_EQ(run.problem, "") << run.lost->name();
    EXPECT_EQ(run.model, undisturbed.model) << run.lost->name();
    EXPECT_GE(run.counts[run.lost->kind], run.lost->number) << run.lost->name() << " was not lost";
    // Two waits would be more than this, whatever else the machine does.
    EXPECT_LT(run.seconds - beside, 5.9) << run.lost->name();
  }
}

TEST(LostFrames, WhoHasNotHeardThatTheRunIsCompleteIsMadeToAskAgain) {
  testing::TemporaryFolder folder;
  auto pace = short_pace();
  pace.patience = Duration(60'000);  // longer than the server waits for its clients
  pace.bye_within = Duration(50);
  const wire::Message task = wire::Task{};
  const auto undisturbed = run_without(std::nullopt, folder.path() + "/1", pace, kLimit).value();
  const LostFrame last{task.index(), undisturbed.counts[task.index()]};
  const auto run = run_without(last, folder.path() + "/2", pace, kLimit).value();
  EXPECT_EQ(run.problem, "");
  EXPECT_EQ(run.counts[task.index()], last.number + 1);
}

}  // namespace
}  // namespace atl::bench
