// The recorder around sessions: what a dump tells, when one is made, and what it may cost.
#include <gtest/gtest.h>
#include <signal.h>

#include "common/flight/recorder.h"
#include "common/flight/signals.h"
#include "common/net/memory_transport.h"
#include "common/wire/message.h"
#include "tests/support/driver.h"
#include "tests/support/flight_dumps.h"
#include "tests/support/temporary_folder.h"

namespace atl::flight {
namespace {

using testing::dumps_in;
using testing::events_of;
using testing::read_dump;
using wire::FrameKind;
using Names = std::vector<std::string>;

class FlightRecorder : public ::testing::Test {
 protected:
  FlightRecorder() : network_(driver_.executor()), listener_(network_.make_listener()) {
    options_.folder = folder_.path() + "/flight";
    options_.program = "test";
  }

  // Both ends of a connection: the server's is recorded.
  struct Pair {
    std::unique_ptr<net::Session> server, client;
  };
  Pair connect(const std::string& name) {
    auto client = driver_.wait(network_.make_connector(name)->connect()).value();
    auto server = driver_.wait(listener_->accept()).value();
    return {recorder_.record(std::move(server)), std::move(client)};
  }
  void say(net::Session& from, const wire::Message& message) {
    const auto bytes = wire::encode(message);
    ASSERT_TRUE(driver_.wait(from.send(FrameKind::kControl, bytes, {})).ok());
  }
  ErrorCode hear(net::Session& at, int patience_ms = 5'000) {
    Bytes payload;
    auto kind = driver_.wait(at.receive(payload, net::Duration(patience_ms)));
    return kind ? ErrorCode{} : kind.error().code();
  }
  void pass(net::Session& from, net::Session& to, const wire::Message& message) {
    say(from, message);
    EXPECT_EQ(hear(to), ErrorCode{});
  }
  testing::Lines dump() { return read_dump(recorder_.dump(Cause::kSignal, "asked").value()); }

  testing::Driver driver_;
  net::MemoryNetwork network_;
  std::shared_ptr<net::Listener> listener_;
  testing::TemporaryFolder folder_;
  Options options_;
  Recorder recorder_;
};

TEST_F(FlightRecorder, RecordsNothingUntilItIsOpened) {
  auto pair = connect("a");
  auto* before = pair.server.get();
  auto after = recorder_.record(std::move(pair.server));
  EXPECT_EQ(after.get(), before);
  joined(*after, "a");
  recorder_.missed_deadline({"a"}, 1, "late");
  EXPECT_FALSE(recorder_.dump(Cause::kSignal, "").ok());
}

TEST_F(FlightRecorder, TellsWhatPassedInBothDirections) {
  recorder_.open(options_);
  auto [server, client] = connect("alice");
  pass(*client, *server, wire::Hello{"alice", 10, 0, "test"});
  pass(*server, *client, wire::Welcome{});
  pass(*client, *server, wire::Fetch{7, 1, 8});
  const auto head = wire::encode(wire::ChunkHeader{1, 8});
  ASSERT_TRUE(driver_.wait(server->send(FrameKind::kChunk, head, Bytes(100))).ok());
  EXPECT_EQ(hear(*client), ErrorCode{});
  pass(*server, *client, wire::Outcome{false, wire::Reason::kWrongHash, "no"});
  client->close();
  EXPECT_EQ(hear(*server), ErrorCode::kNetwork);
  server.reset();

  const auto lines = dump();
  EXPECT_EQ(lines.at(0)["dump"], "signal");
  EXPECT_EQ(lines.at(0)["why"], "asked");
  EXPECT_EQ(lines.at(0)["program"], "test");
  const Names expected = {"state connected", "in hello",    "out welcome",   "in fetch",
                          "out chunk",       "out outcome", "error network", "state ended"};
  EXPECT_EQ(events_of(lines, "alice"), expected);
  std::map<std::string, nlohmann::json> by_what;
  for (const auto& line : lines) by_what[line.value("what", "")] = line;
  EXPECT_EQ(by_what["fetch"]["round"], 7);
  EXPECT_EQ(by_what["fetch"]["offset"], 8);
  EXPECT_EQ(by_what["chunk"]["bytes"], 116);
  EXPECT_EQ(by_what["chunk"]["round"], 7);
  EXPECT_EQ(by_what["chunk"]["offset"], 8);
  EXPECT_EQ(by_what["outcome"]["reason"], "wrong_hash");
  EXPECT_EQ(by_what["hello"]["address"], "memory");
  EXPECT_EQ(by_what["hello"]["time"].get<std::string>().size(), 27u);
}

TEST_F(FlightRecorder, ADeadlineOnASessionThatHasJoinedMakesADump) {
  recorder_.open(options_);
  auto [server, client] = connect("a");
  EXPECT_EQ(hear(*server, 5), ErrorCode::kDeadline);
  EXPECT_TRUE(dumps_in(options_.folder).empty());  // strangers write no files
  joined(*server, "a");
  auto [other, unused] = connect("b");
  EXPECT_EQ(hear(*server, 5), ErrorCode::kDeadline);
  const auto files = dumps_in(options_.folder);
  ASSERT_EQ(files.size(), 1u);
  const auto lines = read_dump(files[0]);
  EXPECT_EQ(lines.at(0)["dump"], "deadline");
  EXPECT_EQ(events_of(lines, "a").back(), "error deadline");
  EXPECT_TRUE(events_of(lines, "b").empty());  // it is about one
}

TEST_F(FlightRecorder, DumpsThatNobodyAskedForKeepADistanceAndAreCounted) {
  recorder_.open(options_);
  for (int i = 0; i < 4; ++i) recorder_.missed_deadline({"a"}, 1, "late");
  EXPECT_EQ(dumps_in(options_.folder).size(), 1u);
  EXPECT_EQ(dump().at(0)["skipped"], 3);
  EXPECT_FALSE(dump().at(0).contains("skipped"));
}

TEST_F(FlightRecorder, AMissedDeadlineIsNotedOnTheNewestSessionAndBringsTheOldOnes) {
  recorder_.open(options_);
  for (int i = 0; i < 2; ++i) {
    auto pair = connect("a");
    joined(*pair.server, "a");
    pass(*pair.client, *pair.server, wire::NextTask{});
  }
  auto [server, client] = connect("b");
  joined(*server, "b");
  recorder_.missed_deadline({"a"}, 3, "late");
  const auto lines = read_dump(dumps_in(options_.folder).at(0));
  const Names expected = {"state connected",      "in next-task", "state ended",
                          "state connected",      "in next-task", "state ended",
                          "state missed_deadline"};
  EXPECT_EQ(events_of(lines, "a"), expected);
  EXPECT_EQ(lines.back()["round"], 3);
  EXPECT_TRUE(events_of(lines, "b").empty());
}

TEST_F(FlightRecorder, WhatPeersAreCalledIsEscaped) {
  recorder_.open(options_);
  auto [server, client] = connect("a");
  joined(*server, "x\"},\n\x1b[31m\xff\\");
  ended(*server, Error(ErrorCode::kProtocol, std::string(500, '\x01')));
  recorder_.turned_away("wrong_name", "127.0.0.1:1", "y\r\n", "\"\t");
  const auto lines = dump();  // which checks every line
  EXPECT_EQ(lines.back()["peer"], "x\"},\n\x1b[31m\u00ff\\");
}

TEST_F(FlightRecorder, NoContentsAreKept) {
  recorder_.open(options_);
  auto [server, client] = connect("a");
  pass(*client, *server, wire::Enrol{"secret-token", "secret-request"});
  pass(*server, *client, wire::Enrolled{"secret-certificate", "secret-authority"});
  const auto head = wire::encode(wire::ChunkHeader{1, 0});
  const std::string weights = "secret-weights";
  ASSERT_TRUE(driver_.wait(server->send(FrameKind::kChunk, head, as_bytes(weights))).ok());
  const auto text = read_text(recorder_.dump(Cause::kSignal, "asked").value()).value();
  EXPECT_NE(text.find("enrolled"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST_F(FlightRecorder, TheIntakeReachesTheSessionWithin) {
  recorder_.open(options_);
  auto [server, client] = connect("a");
  server->set_intake(net::Intake{1024, 0});
  const auto head = wire::encode(wire::ChunkHeader{1, 0});
  ASSERT_TRUE(driver_.wait(client->send(FrameKind::kChunk, head, Bytes(8))).ok());
  EXPECT_EQ(hear(*server), ErrorCode::kProtocol);
}

TEST_F(FlightRecorder, AttemptsToConnectAreRecorded) {
  recorder_.open(options_);
  listener_.reset();
  auto connector = recorder_.record(network_.make_connector("a"));
  EXPECT_FALSE(driver_.wait(connector->connect()).ok());
  listener_ = network_.make_listener();
  auto session = driver_.wait(connector->connect()).value();
  const auto lines = dump();
  EXPECT_EQ(events_of(lines, ""), (Names{"state connecting", "error network", "state ended"}));
  EXPECT_EQ(events_of(lines, "server"), (Names{"state connecting", "state connected"}));
}

TEST_F(FlightRecorder, FilesAreBoundedAndTheNewestStay) {
  options_.dumps = 3;
  recorder_.open(options_);
  std::string last;
  for (int i = 0; i < 8; ++i) last = recorder_.dump(Cause::kSignal, "asked").value();
  const auto files = dumps_in(options_.folder);
  EXPECT_EQ(files.size(), 3u);
  EXPECT_NE(std::find(files.begin(), files.end(), last), files.end());
}

TEST_F(FlightRecorder, EndedSessionsAreBoundedAndStrangersGoFirst) {
  options_.ended = 4;
  recorder_.open(options_);
  for (int i = 0; i < 3; ++i) {
    auto pair = connect("member");
    joined(*pair.server, "member");
  }
  for (int i = 0; i < 50; ++i) connect("stranger");
  EXPECT_EQ(recorder_.sessions(), 4u);
  const auto lines = dump();
  EXPECT_EQ(events_of(lines, "member").size(), 6u);
  EXPECT_EQ(events_of(lines, "stranger").size(), 2u);
}

TEST_F(FlightRecorder, PeersTurnedAwayAreBounded) {
  options_.turned_away = 5;
  recorder_.open(options_);
  for (int i = 0; i < 12; ++i)
    recorder_.turned_away("handshake", "127.0.0.1:" + std::to_string(i), "", "no TLS");
  Names addresses;
  for (const auto& line : dump())
    if (line.value("dir", "") == "door") addresses.push_back(line["address"]);
  EXPECT_EQ(addresses,
            (Names{"127.0.0.1:7", "127.0.0.1:8", "127.0.0.1:9", "127.0.0.1:10", "127.0.0.1:11"}));
}

TEST_F(FlightRecorder, AThousandIdleSessionsCostLittle) {
  recorder_.open(options_);
  std::vector<Pair> all;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(connect("c" + std::to_string(i)));
    auto& [server, client] = all.back();
    pass(*client, *server, wire::Hello{"c", 1, 0, "test"});
    pass(*server, *client, wire::Welcome{});
    joined(*server, "c" + std::to_string(i));
    for (int poll = 0; poll < 20; ++poll) {
      pass(*client, *server, wire::NextTask{});
      pass(*server, *client, wire::Task{});
    }
  }
  EXPECT_LE(recorder_.memory(), 1001u * 384);
}

TEST_F(FlightRecorder, TheBudgetHoldsAndEndedSessionsGoFirst) {
  options_.budget = 200 * 1024;
  recorder_.open(options_);
  const auto busy = [this](Pair& pair) {
    for (uint32_t i = 0; i < 1100; ++i) pass(*pair.client, *pair.server, wire::Fetch{i + 1, i, 0});
  };
  for (int i = 0; i < 8; ++i) {  // 24 KB each
    auto pair = connect("ended");
    busy(pair);
    EXPECT_LE(recorder_.memory(), options_.budget);
  }
  auto live = connect("live");
  busy(live);
  EXPECT_LE(recorder_.memory(), options_.budget);
  const auto lines = dump();
  EXPECT_EQ(events_of(lines, "live").size(), 1024u);
  EXPECT_LT(events_of(lines, "ended").size(), 8 * 1024u);
}

TEST_F(FlightRecorder, ALargeDumpIsSharedOut) {
  options_.lines = 1000;
  recorder_.open(options_);
  std::vector<Pair> all;
  for (int s = 0; s < 10; ++s) {
    all.push_back(connect("s" + std::to_string(s)));
    for (uint32_t i = 0; i < 300; ++i)
      pass(*all.back().client, *all.back().server, wire::Fetch{i + 1, i, 0});
  }
  const auto lines = dump();
  EXPECT_LE(lines.size(), 1000u + 12);
  for (int s = 0; s < 10; ++s) EXPECT_EQ(events_of(lines, "s" + std::to_string(s)).size(), 90u);
  EXPECT_EQ(lines.back()["round"], 300);
}

TEST_F(FlightRecorder, ASessionMayOutliveTheRecorder) {
  Pair pair;
  {
    Recorder brief;
    brief.open(options_);
    pair = connect("a");
    pair.server = brief.record(std::move(pair.server));
  }
  pass(*pair.client, *pair.server, wire::NextTask{});
}

TEST_F(FlightRecorder, SigUsr1MakesADumpEachTime) {
  recorder_.open(options_);
  const SignalWatch watch(driver_.executor(), recorder_);
  for (size_t wanted = 1; wanted <= 2; ++wanted) {
    ::raise(SIGUSR1);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (dumps_in(options_.folder).size() < wanted && std::chrono::steady_clock::now() < until)
      driver_.io().restart(), driver_.io().run_one_for(std::chrono::milliseconds(20));
    ASSERT_EQ(dumps_in(options_.folder).size(), wanted);
  }
}

TEST_F(FlightRecorder, AProcessThatAbortsLeavesADump) {
  recorder_.open(options_);
  auto pair = connect("alice");
  pass(*pair.client, *pair.server, wire::Fetch{7, 1, 8});
  const auto die = [this] {
    const SignalWatch watch(driver_.executor(), recorder_);
    ATOLL_CHECK(false, "on purpose");
  };
  EXPECT_EXIT(die(), ::testing::KilledBySignal(SIGABRT), "what happened before is in .*crash");
  const auto files = dumps_in(options_.folder);
  ASSERT_EQ(files.size(), 1u);
  const auto lines = read_dump(files[0]);
  EXPECT_EQ(lines.at(0)["dump"], "crash");
  EXPECT_EQ(lines.at(0)["why"], "SIGABRT");
  EXPECT_EQ(events_of(lines, "alice"), (Names{"state connected", "in fetch"}));
}

}  // namespace
}  // namespace atl::flight
