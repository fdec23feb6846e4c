// The audit log: its chain finds what was done to it, a crash does not break it, nobody's text gets
// out of its string, and nobody fills the disk with it.
#include "server/audit/audit_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/core/log.h"
#include "common/core/rng.h"
#include "server/audit/limiter.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using namespace server;
using Json = nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;

class Audit : public ::testing::Test {
 protected:
  Audit() { log::set_level(log::Level::kOff); }
  std::unique_ptr<AuditLog> open() {
    return open_audit_log(path_, [this] { return now_; }).value();
  }
  void write(int lines) {
    auto log = open();
    for (int i = 0; i < lines; ++i)
      log->record({.event = AuditEvent::kRoundCommitted, .text = "round " + std::to_string(i)});
  }
  std::string text() { return read_text(path_).value(); }
  void put(const std::string& text) { ASSERT_TRUE(write_replace(path_, text).ok()); }
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }
  static std::string join(const std::vector<std::string>& all) {
    std::string out;
    for (const auto& line : all) out += line + "\n";
    return out;
  }
  Result<AuditSummary> verify(const std::string& head = "") {
    return verify_audit_log(path_, {}, head);
  }
  // "good", or where and why not.
  std::string verdict(const std::string& head = "") {
    auto sum = verify(head);
    if (sum) return "good";
    EXPECT_EQ(sum.error().code(), ErrorCode::kIo);
    return sum.error().message();
  }
  bool bad_at(int line) {
    return verdict().find("audit.jsonl:" + std::to_string(line) + ": ") != std::string::npos;
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_.path() + "/audit.jsonl";
  net::WallTime now_ = std::chrono::system_clock::from_time_t(1'700'000'000);
};

TEST_F(Audit, LinesHoldWhatHappenedAndTheHashOfTheLineBefore) {
  auto log = open();
  log->record({.event = AuditEvent::kRunStarted, .peer = "127.0.0.1:7070", .text = "run r"});
  now_ += seconds(61);
  log->record({AuditEvent::kEnrolled, "site-a", "10.0.0.1:1", "0AFE", "", ""});
  const auto all = lines();
  ASSERT_EQ(all.size(), 2u);
  const auto first = Json::parse(all[0]), second = Json::parse(all[1]);
  EXPECT_EQ(first["seq"], 1);
  EXPECT_EQ(first["time"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(first["event"], "run_started");
  EXPECT_EQ(first["peer"], "127.0.0.1:7070");
  EXPECT_EQ(first["prev"], std::string(64, '0'));
  EXPECT_FALSE(first.contains("client"));
  EXPECT_EQ(second["seq"], 2);
  EXPECT_EQ(second["time"], "2023-11-14T22:14:21Z");
  EXPECT_EQ(second["client"], "site-a");
  EXPECT_EQ(second["serial"], "0AFE");
  EXPECT_EQ(second["prev"], hex(sha256(as_bytes(all[0]))));
  const auto sum = verify().value();
  EXPECT_EQ(sum.lines, 2u);
  EXPECT_EQ(sum.head, hex(sha256(as_bytes(all[1]))));
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
}

TEST_F(Audit, GoesOnWhereItStoppedAndBesideAnotherProcess) {
  write(3);
  auto one = open(), other = open();
  one->record({.event = AuditEvent::kRevoked, .client = "a"});
  other->record({.event = AuditEvent::kRevoked, .client = "b"});
  one->record({.event = AuditEvent::kRevoked, .client = "c"});
  EXPECT_EQ(verdict(), "good");
  EXPECT_EQ(verify().value().lines, 6u);
  EXPECT_EQ(Json::parse(lines().back())["client"], "c");
}

TEST_F(Audit, ManyWritersAtOnceMakeOneChain) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([this] {
      auto log = open_audit_log(path_).value();
      for (int k = 0; k < 50; ++k) log->record({.event = AuditEvent::kRunStarted, .text = "x"});
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(verdict(), "good");
  EXPECT_EQ(verify().value().lines, 200u);
}

TEST_F(Audit, WhatIsDoneToALineIsFoundThere) {
  write(6);
  const auto all = lines();
  EXPECT_EQ(verdict(), "good");
  auto changed = all;
  changed[2].replace(changed[2].find("round 2"), 7, "round 7");
  put(join(changed));
  EXPECT_TRUE(bad_at(3)) << verdict();
  auto missing = all;
  missing.erase(missing.begin() + 3);
  put(join(missing));
  EXPECT_TRUE(bad_at(4)) << verdict();
  auto twice = all;
  twice.insert(twice.begin() + 1, all[1]);
  put(join(twice));
  EXPECT_TRUE(bad_at(3)) << verdict();
  auto swapped = all;
  std::swap(swapped[1], swapped[2]);
  put(join(swapped));
  EXPECT_TRUE(bad_at(2)) << verdict();
  auto first = all;
  first[0].replace(first[0].find("round 0"), 7, "round 1");
  put(join(first));
  EXPECT_TRUE(bad_at(1)) << verdict();
  auto garbage = all;
  garbage[4] = "not ours";
  put(join(garbage));
  EXPECT_TRUE(bad_at(5)) << verdict();
  put(join({all.begin() + 1, all.end()}));
  EXPECT_TRUE(bad_at(1)) << verdict();
  put(join(all) + "more\n");
  EXPECT_TRUE(bad_at(7)) << verdict();
}

// Any one byte, anywhere: every change but one to the last line is found without a head, and that
// one with it.
TEST_F(Audit, EveryChangedByteIsFound) {
  write(4);
  const auto good = text();
  const auto head = verify().value().head;
  for (size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    put(changed);
    EXPECT_NE(verdict(head), "good") << "byte " << i;
  }
}

TEST_F(Audit, AShortenedLogIsFoundByTheHashOfItsHead) {
  write(3);
  const auto head = verify().value().head;
  write(2);
  EXPECT_EQ(verdict(head), "good");  // it has grown since
  auto all = lines();
  put(join({all.begin(), all.begin() + 2}));
  EXPECT_EQ(verdict(), "good");
  EXPECT_NE(verdict(head).find("shortened"), std::string::npos) << verdict(head);
}

// A crash leaves any beginning of the line it was writing: the next start marks it, and goes on.
TEST_F(Audit, ACutLastLineIsMarkedWhereverItWasCut) {
  write(3);
  const auto good = text();
  const auto all = lines();
  for (size_t keep = 0; keep <= all[2].size(); ++keep) {
    put(good.substr(0, good.size() - 1 - all[2].size() + keep));
    const auto before = verify();
    ASSERT_TRUE(before.ok()) << keep << ": " << before.error().message();
    EXPECT_EQ(before->unfinished, keep > 0 && keep < all[2].size()) << keep;
    write(2);
    const auto sum = verify();
    ASSERT_TRUE(sum.ok()) << keep << ": " << sum.error().message();
    const bool whole = keep == all[2].size();  // only its line break was missing
    const bool cut = keep > 0 && !whole;
    EXPECT_EQ(sum->cuts, cut ? 1u : 0u) << keep;
    EXPECT_EQ(sum->lines, whole ? 5u : cut ? 5u : 4u) << keep;
    EXPECT_FALSE(sum->unfinished);
  }
}

TEST_F(Audit, ACrashWhileACutIsBeingMarkedIsOneCutMore) {
  write(2);
  put(text() + "{\"seq\":3,\"ti");
  write(1);
  const auto all = lines();
  ASSERT_EQ(all.size(), 5u);
  // The mark itself is cut in its middle, with what it marks before it.
  put(join({all.begin(), all.begin() + 3}) + all[3].substr(0, 40));
  write(1);
  EXPECT_EQ(verdict(), "good");
  EXPECT_EQ(verify().value().cuts, 1u);
  EXPECT_EQ(verify().value().lines, 4u);
  // What was cut off cannot be changed later either.
  auto changed = text();
  changed[changed.find("\"ti\n") + 1] = 'x';
  put(changed);
  EXPECT_TRUE(bad_at(3)) << verdict();
}

TEST_F(Audit, AMarkOfACutThatIsNotThereIsFound) {
  write(2);
  put(text() + "half");
  write(1);
  auto all = lines();
  all.erase(all.begin() + 2);
  put(join(all));
  EXPECT_TRUE(bad_at(3)) << verdict();
}

TEST_F(Audit, ALongCutDoesNotHideTheLastLine) {
  write(2);
  put(text() + std::string(200'000, 'x'));
  write(1);
  EXPECT_EQ(verdict(), "good");
  EXPECT_EQ(verify().value().lines, 4u);
}

TEST_F(Audit, NobodysTextGetsOutOfItsString) {
  {
    auto log = open();
    log->record({AuditEvent::kRefused, "", "1.2.3.4:5", "", "unexpected",
                 "a\"},\n{\"seq\":9,\x1b[2J\x7f \xff\xfe \xc2\x9b" + std::string(1, '\0')});
    log->record({AuditEvent::kRefused, std::string(5000, 'n'), std::string(5000, 'p'),
                 std::string(5000, 's'), std::string(5000, 'r'), std::string(100'000, '\x01')});
  }
  const auto all = lines();
  ASSERT_EQ(all.size(), 2u);
  for (const auto& line : all) {
    EXPECT_LT(line.size(), 4096u);
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
  }
  const auto said = Json::parse(all[0])["text"].get<std::string>();
  EXPECT_EQ(said.rfind("a\"},\n{\"seq\":9,\x1b[2J\x7f ", 0), 0u);
  EXPECT_EQ(verdict(), "good");
}

// The escapes of a text must not be cut in two: a character that does not fit is no character.
TEST_F(Audit, RandomBytesAreAlwaysOneGoodLine) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed, "audit");
  std::string bytes;
  {
    auto log = open();
    for (int i = 0; i < 300; ++i) {
      bytes.clear();
      for (uint64_t n = rng.below(600); n > 0; --n) bytes += static_cast<char>(rng.below(256));
      log->record({AuditEvent::kRoundCommitted, bytes, bytes, bytes, bytes, bytes});
    }
  }
  EXPECT_EQ(verdict(), "good");
  EXPECT_EQ(lines().size(), 300u);
}

TEST_F(Audit, AStrangerWhoKeepsComingIsCounted) {
  {
    auto log = open();
    for (int port = 1; port <= 10'000; ++port)
      log->record(
          {AuditEvent::kRefused, "", "9.9.9.9:" + std::to_string(port), "", "handshake", "t"});
    EXPECT_EQ(lines().size(), 3u);
    log->record({.event = AuditEvent::kRunStarted});  // others are written all the while
    EXPECT_EQ(lines().size(), 4u);
    now_ += minutes(1);
    log->tick();
  }
  const auto all = lines();
  ASSERT_EQ(all.size(), 5u);
  const auto sum = Json::parse(all.back());
  EXPECT_EQ(sum["count"], 9'997);
  EXPECT_EQ(sum["event"], "refused");
  EXPECT_EQ(sum["reason"], "handshake");
  EXPECT_EQ(sum["peer"], "9.9.9.9");
  EXPECT_EQ(verdict(), "good");
}

TEST_F(Audit, CountsAreWrittenWhenTheLogIsClosed) {
  {
    auto log = open();
    for (int i = 0; i < 5; ++i) log->record({AuditEvent::kRefused, "", "9.9.9.9:1", "", "", "t"});
  }
  EXPECT_EQ(Json::parse(lines().back())["count"], 2);
}

TEST_F(Audit, ManyAddressesFillTheDiskNoFasterThanOne) {
  auto log = open();
  const auto day = minutes(10);
  for (const auto end = now_ + day; now_ < end; now_ += seconds(1)) {
    for (int i = 0; i < 200; ++i) {
      const auto host =
          std::to_string(i) + ".0.0." + std::to_string(now_.time_since_epoch().count() % 251);
      log->record({AuditEvent::kRefused, "", host + ":1", "", "handshake", std::string(300, 't')});
      log->record({AuditEvent::kEnrolmentRefused, "", host + ":1", "", "bad_token", "t"});
    }
    log->tick();
  }
  // 240,000 refusals: the budget at once, what came back of it, and a sum a minute and event.
  EXPECT_LE(lines().size(), 200u + 10 * (10 + 2 + 2) + 2);
  EXPECT_GE(lines().size(), 200u);
  log.reset();
  uint64_t told = 0;
  for (const auto& line : lines()) told += Json::parse(line).value("count", uint64_t{1});
  EXPECT_EQ(told, 240'000u) << "some were neither written nor counted";
  EXPECT_EQ(verdict(), "good");
}

TEST_F(Audit, KnownClientsAreWrittenEachAndAFlappingOneIsCounted) {
  {
    auto log = open();
    for (int i = 0; i < 5'000; ++i)
      log->record({AuditEvent::kJoined, "c" + std::to_string(i), "10.0.0.1:1", "", "", ""});
    EXPECT_EQ(lines().size(), 5'000u);
    for (int i = 0; i < 100; ++i)
      log->record({AuditEvent::kJoined, "flap", "10.0.0.1:1", "", "", ""});
    EXPECT_EQ(lines().size(), 5'020u);
  }
  const auto sum = Json::parse(lines().back());
  EXPECT_EQ(sum["client"], "flap");
  EXPECT_EQ(sum["count"], 80);
}

TEST_F(Audit, AClockThatIsSetBackDoesNotSilenceIt) {
  auto log = open();
  for (int i = 0; i < 9; ++i) log->record({AuditEvent::kRefused, "", "9.9.9.9:1", "", "", ""});
  EXPECT_EQ(lines().size(), 3u);
  now_ -= std::chrono::hours(48);
  log->record({AuditEvent::kRefused, "", "9.9.9.9:1", "", "", ""});
  EXPECT_EQ(lines().size(), 5u);  // the sum, and the one
}

TEST_F(Audit, ALogThatCannotBeWrittenFailsNobody) {
  auto log = open();
  log->record({.event = AuditEvent::kRunStarted});
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  log->record({.event = AuditEvent::kRunStarted});
  std::filesystem::remove(path_);
  log->record({.event = AuditEvent::kRunStarted});
  EXPECT_EQ(verdict(), "good");  // a new one
  EXPECT_FALSE(open_audit_log(folder_.path() + "/none/audit.jsonl").ok());
  no_audit()->record({});  // goes nowhere
}

TEST(Network, IsTheHostAndOfIpv6TheCustomer) {
  EXPECT_EQ(network_of("1.2.3.4:99"), "1.2.3.4");
  EXPECT_EQ(network_of("[2001:db8:1:2:3:4:5:6]:7"), "[2001:db8:1:2::]/64");
  EXPECT_EQ(network_of("[2001:db8:1:2:ffff::1]:8"), "[2001:db8:1:2::]/64");
  EXPECT_NE(network_of("[::ffff:1.2.3.4]:8"), network_of("[::ffff:1.2.3.5]:8"));
  EXPECT_EQ(network_of("memory"), "memory");
  EXPECT_EQ(network_of("?"), "?");
}

}  // namespace
}  // namespace atl
