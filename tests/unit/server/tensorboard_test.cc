// Event files: what TensorBoard's own reader takes is in tests/readers; here is what must be in
// them.
#include "server/watch/tensorboard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "common/core/file.h"
#include "common/core/log.h"
#include "tensorboard.pb.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using namespace server;
using tensorboard::Event;

// Takes an event file apart; every checksum is compared.
std::vector<Event> read_events(const std::string& bytes) {
  std::vector<Event> events;
  const auto number = [&bytes](size_t at, size_t size) {
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  for (size_t at = 0; at < bytes.size();) {
    EXPECT_LE(at + 12, bytes.size());
    const auto length = number(at, 8);
    EXPECT_EQ(number(at + 8, 4), masked_crc32c(std::string_view(bytes).substr(at, 8)));
    const auto data = std::string_view(bytes).substr(at + 12, length);
    EXPECT_EQ(number(at + 12 + length, 4), masked_crc32c(data));
    EXPECT_TRUE(events.emplace_back().ParseFromArray(data.data(), static_cast<int>(data.size())));
    at += 16 + length;
  }
  return events;
}

constexpr const char* kRound =
    R"({"event":"round","round":3,"seconds":0.5,"clients":2,"examples":9,"train_loss":1.25,)"
    R"("update_norm":2.0,"bytes_down":100,"bytes_up":90,"time":"2026-01-31T12:00:01Z"})"
    "\n";
constexpr const char* kEvaluation =
    R"({"event":"evaluation","round":2,"accuracy":0.75,"loss":null,"time":"2026-01-31T12:00:02Z"})"
    "\n";

// RFC 3720, B.4, and the check value of the catalogue of CRCs.
TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(TensorBoard, EachLineBecomesOneEvent) {
  const auto events = read_events(tensorboard_events(std::string(kRound) + kEvaluation));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].step(), 3);
  EXPECT_EQ(events[0].wall_time(), 1769860801.0);
  std::map<std::string, float> values;
  for (const auto& value : events[0].summary().value()) values[value.tag()] = value.simple_value();
  const std::map<std::string, float> expected{
      {"loss/training", 1.25f},    {"round/seconds", 0.5f},      {"round/clients", 2},
      {"round/update_norm", 2.0f}, {"round/bytes_down", 100.0f}, {"round/bytes_up", 90.0f}};
  EXPECT_EQ(values, expected);
  EXPECT_EQ(events[1].step(), 2);
  ASSERT_EQ(events[1].summary().value_size(), 2);
  EXPECT_EQ(events[1].summary().value(0).tag(), "accuracy/test");
  EXPECT_TRUE(std::isnan(events[1].summary().value(1).simple_value()));
}

TEST(TensorBoard, WhatHoldsNoScalarGivesNothing) {
  for (const char* line : {"", "\n", "x", "[1]", "{}", R"({"event":5,"round":1})",
                           R"({"event":"client","round":1,"seconds":2})",
                           R"({"event":"round","round":"three","time":7})"})
    EXPECT_EQ(tensorboard_events(line), "") << line;
}

class Mirror : public ::testing::Test {
 protected:
  Mirror() { log::set_level(log::Level::kOff); }
  void tell(const std::string& text) {
    std::ofstream(folder_.path() + "/metrics.jsonl", std::ios::app) << text;
  }
  std::vector<Event> events() {
    std::vector<Event> all;
    for (const auto& file : std::filesystem::directory_iterator(folder_.path() + "/tensorboard")) {
      for (auto& event : read_events(read_text(file.path()).value())) all.push_back(event);
    }
    return all;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Mirror, FollowsTheMetrics) {
  tell(kRound);
  auto mirror = TensorBoardMirror::start(folder_.path()).value();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (events().size() < 2 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_EQ(events().size(), 2u);
  EXPECT_EQ(events()[0].file_version(), "brain.Event:2");
  // Half a line is none yet; the end brings what is whole by then.
  tell(std::string(kEvaluation) + R"({"event":"round")");
  mirror.reset();
  EXPECT_EQ(events().size(), 3u);
}

TEST_F(Mirror, AnotherStartLacksNothingAndHasNothingTwice) {
  tell(kRound);
  TensorBoardMirror::start(folder_.path()).value().reset();
  tell(kEvaluation);
  TensorBoardMirror::start(folder_.path()).value().reset();
  const auto all = events();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].step(), 3);
  EXPECT_EQ(all[2].step(), 2);
}

}  // namespace
}  // namespace atl
