#include "experiments/report/metrics_log.h"

#include <gtest/gtest.h>

namespace atl::workbench {
namespace {

const std::string kRound1 =
    R"({"event":"round","round":1,"seconds":2.5,"clients":2,"examples":30,"train_loss":1.5,)"
    R"("update_norm":0.5,"bytes_down":100,"bytes_up":90,"model_sha256":"ab","time":"2026-01-05T12:00:00Z"})"
    "\n";
const std::string kEvaluation =
    R"({"event":"evaluation","round":1,"examples":10,"correct":7,"accuracy":0.7,"loss":null,)"
    R"("time":"2026-01-05T12:00:01Z"})"
    "\n";
const std::string kClient =
    R"({"event":"client","round":1,"client":"a","examples":20,"steps":3,"train_loss":null,)"
    R"("update_norm":0.25,"seconds":1,"bytes_down":50,"bytes_up":45,)"
    R"("before":{"examples":4,"correct":1,"loss":2.0},"after":{"examples":4,"correct":3,"loss":null}})"
    "\n";
const std::string kRefused =
    R"({"event":"refused","round":1,"client":"b","reason":"not finite","time":"2026-01-05T12:00:02Z"})"
    "\n";

MetricsLog parse(const std::string& text) {
  MetricsReader reader;
  reader.feed(text);
  return reader.finish();
}

TEST(MetricsLog, ReadsEveryKindOfLine) {
  const auto log = parse(kClient + kRound1 + kEvaluation + kRefused);
  EXPECT_EQ(log.lines, 4u);
  EXPECT_EQ(log.damaged_lines, 0u);
  ASSERT_EQ(log.rounds.size(), 1u);
  EXPECT_EQ(log.rounds[0].seconds, 2.5);
  EXPECT_EQ(log.rounds[0].train_loss, 1.5);
  EXPECT_EQ(log.rounds[0].bytes_up, 90u);
  EXPECT_EQ(log.rounds[0].model_sha256, "ab");
  ASSERT_EQ(log.evaluations.size(), 1u);
  EXPECT_EQ(log.evaluations[0].accuracy, 0.7);
  EXPECT_FALSE(log.evaluations[0].loss.has_value()) << "null is absent";
  ASSERT_EQ(log.clients.at("a").size(), 1u);
  const auto& client = log.clients.at("a")[0];
  EXPECT_FALSE(client.train_loss.has_value());
  EXPECT_EQ(client.accuracy_before, 0.25);
  EXPECT_EQ(client.accuracy_after, 0.75);
  ASSERT_EQ(log.refusals.size(), 1u);
  EXPECT_EQ(log.refusals[0].reason, "not finite");
  EXPECT_EQ(log.first_time, "2026-01-05T12:00:00Z");
  EXPECT_EQ(log.last_time, "2026-01-05T12:00:02Z");
}

TEST(MetricsLog, CountsALastLineThatIsCutAnywhere) {
  for (size_t keep = 1; keep + 2 < kEvaluation.size(); ++keep) {
    const auto log = parse(kRound1 + kEvaluation.substr(0, keep));
    EXPECT_EQ(log.damaged_lines, 1u) << "cut after " << keep << " bytes";
    EXPECT_EQ(log.rounds.size(), 1u);
    EXPECT_TRUE(log.evaluations.empty());
  }
  // Only the line break is missing.
  const auto whole = parse(kRound1 + kEvaluation.substr(0, kEvaluation.size() - 1));
  EXPECT_EQ(whole.damaged_lines, 0u);
  EXPECT_EQ(whole.evaluations.size(), 1u);
}

TEST(MetricsLog, PiecesMayBeCutAnywhere) {
  const std::string text = kClient + kRound1 + kEvaluation + kRefused;
  for (size_t size = 1; size < 40; ++size) {
    MetricsReader reader;
    for (size_t at = 0; at < text.size(); at += size) reader.feed(text.substr(at, size));
    const auto log = reader.finish();
    EXPECT_EQ(log.lines, 4u) << size;
    EXPECT_EQ(log.damaged_lines, 0u) << size;
    EXPECT_EQ(log.rounds.size() + log.evaluations.size() + log.refusals.size(), 3u) << size;
  }
}

TEST(MetricsLog, PassesOverLinesThatMakeNoSense) {
  const std::string bad[] = {
      "null",
      "[1]",
      "{}",
      R"({"event":"round"})",
      R"({"event":"round","round":-1,"seconds":1})",
      R"({"event":"round","round":4294967296,"seconds":1})",
      R"({"event":"round","round":"1","seconds":1})",
      R"({"event":"round","round":1})",
      R"({"event":"evaluation","round":1,"accuracy":1.5})",
      R"({"event":"client","round":1,"client":7})",
      "{\"event\":\"refused\",\"round\":1,\"client\":\"\xff\"}",
      R"({"event":"cli{"event":"round","round":1,"seconds":1})",
      R"({"event":"round","round":1,"seconds":1,"x":")" + std::string(1 << 20, 'x') + "\"}",
  };
  for (const auto& line : bad) {
    const auto log = parse(line + "\n" + kRound1);
    EXPECT_EQ(log.lines, 2u) << line.substr(0, 80);
    EXPECT_EQ(log.damaged_lines, 1u) << line.substr(0, 80);
    EXPECT_EQ(log.rounds.size(), 1u);
  }
}

TEST(MetricsLog, KindsOfLaterVersionsAreCountedApart) {
  const auto log = parse(R"({"event":"privacy","round":1,"epsilon":2})"
                         "\n" +
                         kRound1);
  EXPECT_EQ(log.damaged_lines, 0u);
  EXPECT_EQ(log.other_lines, 1u);
}

TEST(MetricsLog, TheLastWordAboutARoundCounts) {
  auto round = [](int number, const char* seconds) {
    return R"({"event":"round","round":)" + std::to_string(number) + R"(,"seconds":)" + seconds +
           "}\n";
  };
  const auto log = parse(round(1, "1") + round(2, "2") + round(3, "3") + round(2, "20") + "");
  ASSERT_EQ(log.rounds.size(), 2u) << "round 3 is no longer true when round 2 is done again";
  EXPECT_EQ(log.rounds[1].round, 2u);
  EXPECT_EQ(log.rounds[1].seconds, 20);
  EXPECT_EQ(parse(kClient + kClient).clients.at("a").size(), 1u);
}

}  // namespace
}  // namespace atl::workbench
