// The path of a round, over the in-memory transport with scripted trainers.
#include "tests/support/federation.h"

#include <cmath>

namespace atl {
namespace {

using testing::add_amount;
using testing::config_of;
using testing::Federation;

TEST(Federation, WeighsByExamples) {
  Federation f(config_of(3, 2));
  f.add({"a", 30, 0, add_amount(1, 30)});
  f.add({"b", 10, 0, add_amount(5, 10)});
  ASSERT_TRUE(f.run().ok());
  // Each round adds (30 * 1 + 10 * 5) / 40 = 2; weight i begins at seed + i = 1 + i.
  const auto model = f.model();
  for (size_t i = 0; i < model.size(); ++i)
    EXPECT_EQ(model[i], 1.0f + static_cast<float>(i) + 6.0f);
  EXPECT_TRUE(f.ended()["a"].ok());
  EXPECT_TRUE(f.ended()["b"].ok());
}

TEST(Federation, WeighsUniformlyWhenAsked) {
  auto config = config_of(1, 2);
  config.weights = "uniform";
  Federation f(config);
  f.add({"a", 30, 0, add_amount(1, 30)});
  f.add({"b", 10, 0, add_amount(5, 10)});
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.model()[0], 1.0f + 3.0f);
}

TEST(Federation, ArrivalOrderChangesNoBit) {
  std::string first;
  for (int turn = 0; turn < 4; ++turn) {
    Federation f(config_of(4, 5));
    for (int k = 0; k < 5; ++k) {
      const int who = turn % 2 == 0 ? k : 4 - k;
      f.add({"c" + std::to_string(who), 10, 0,
             add_amount(0.1f * static_cast<float>(who + 1), 7 + 3 * static_cast<uint64_t>(who))});
    }
    ASSERT_TRUE(f.run().ok());
    if (turn == 0) first = f.digest();
    EXPECT_EQ(f.digest(), first);
  }
}

TEST(Federation, EvaluatesEveryModelOnce) {
  Federation f(config_of(2, 1));
  f.add({"a", 10, 100, add_amount(1, 10)});
  f.add({"judge", 0, 100, add_amount(0, 0)});
  ASSERT_TRUE(f.run().ok());
  const auto metrics = f.metrics();
  for (const char* part :
       {"\"event\":\"evaluation\",\"round\":0", "\"event\":\"evaluation\",\"round\":1",
        "\"event\":\"evaluation\",\"round\":2"}) {
    EXPECT_NE(metrics.find(part), std::string::npos) << part << "\n" << metrics;
  }
}

TEST(Federation, ANonFiniteUpdateCostsItsSenderTheRoundAndNobodyElse) {
  auto config = config_of(2, 3);
  config.quorum = 2;
  Federation f(config);
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.add({"b", 10, 0, add_amount(1, 10)});
  f.add({"evil", 10, 0,
         [](const client::Task&, std::span<float> model) -> Result<client::TrainReport> {
           model[3] = NAN;
           client::TrainReport report;
           report.examples = 10;
           return report;
         }});
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.model()[3], 1.0f + 3.0f + 2.0f);
  EXPECT_NE(f.metrics().find("\"client\":\"evil\",\"reason\":\"tensor fc.weight holds NaN"),
            std::string::npos)
      << f.metrics();
}

// Every client counts (no quorum is set): a bad one makes two rounds void, and is out; from then on
// nobody waits for it, though three clients were asked for.
TEST(Federation, AClientInQuarantineIsNeitherWaitedForNorCountedOn) {
  auto config = config_of(3, 3);
  config.progress = std::chrono::hours(1);
  Federation f(config);
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.add({"b", 10, 0, add_amount(1, 10)});
  f.add({"evil", 10, 0, add_amount(INFINITY, 10)});
  int tries = 0;
  f.server().context().watch = [&tries](const server::RunEvent& event) {
    tries += event.kind == server::RunEvent::Kind::kRoundOpened && event.round == 1;
  };
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(tries, 3);  // the one that it is put out of is not void
  EXPECT_EQ(f.model()[3], 1.0f + 3.0f + 3.0f);
  EXPECT_EQ(f.ended()["evil"].error().code(), ErrorCode::kRefused);
  EXPECT_NE(f.ended()["evil"].error().message().find("quarantine"), std::string::npos);
  size_t refused = 0;
  const auto metrics = f.metrics();
  for (size_t at = 0; (at = metrics.find("\"refused\"", at)) != std::string::npos; ++at) ++refused;
  EXPECT_EQ(refused, 3u);
}

TEST(Federation, CohortsAreSampledFromTheSeed) {
  std::string first;
  for (int turn = 0; turn < 2; ++turn) {
    auto config = config_of(6, 6);
    config.cohort = 2;
    Federation f(config);
    for (int k = 0; k < 6; ++k)
      f.add({"c" + std::to_string(k), 10, 0, add_amount(static_cast<float>(k + 1), 10)});
    ASSERT_TRUE(f.run().ok());
    if (turn == 0) first = f.digest();
    EXPECT_EQ(f.digest(), first);
    const auto metrics = f.metrics();
    EXPECT_NE(metrics.find("\"clients\":2"), std::string::npos);
    EXPECT_EQ(metrics.find("\"clients\":6"), std::string::npos);
  }
}

}  // namespace
}  // namespace atl
