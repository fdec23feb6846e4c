// What a server's flight recorder tells of clients that do not get on, and of those not let in.
#include <algorithm>

#include "common/core/transfer_hash.h"
#include "tests/support/flight_dumps.h"
#include "tests/support/secured_server.h"

namespace atl {
namespace {

using testing::dumps_in;
using testing::events_of;
using testing::read_dump;

class ServerFlight : public testing::SecuredServer {
 protected:
  void start_recording() {
    config_.evaluate_every = 0;
    config_.progress = net::Duration(300);
    start();
    server_->context().flight.open({.folder = folder_.flight(), .program = "test"});
  }
  testing::Lines dump() {
    return read_dump(server_->context().flight.dump(flight::Cause::kSignal, "asked").value());
  }
};

TEST_F(ServerFlight, AClientThatStopsInTheMiddleOfItsUploadIsDumpedWithItsLastEvents) {
  enrol("a");
  enrol("b");
  start_recording();
  auto& link = join("a");
  join("b");
  EXPECT_EQ(ask<wire::Task>(link, wire::NextTask{}).kind, wire::TaskKind::kInitialize);
  const Bytes flat(64);
  wire::Offer offer{0, flat.size(), transfer_digest(flat), {}};
  offer.report.examples = 1;
  ask<wire::Grant>(link, offer);
  ASSERT_TRUE(until([&] { return !dumps_in(folder_.flight()).empty(); }));

  const auto lines = read_dump(dumps_in(folder_.flight()).at(0));
  EXPECT_EQ(lines.at(0)["dump"], "deadline");
  EXPECT_EQ(lines.at(0)["why"], "round 0: no progress for 300 ms from a");
  const std::vector<std::string> expected = {
      "state connected", "state greeting",  "in hello",   "out welcome",          "state joining",
      "in join",         "state joined",    "out joined", "in next-task",         "out task",
      "in offer",        "state uploading", "out grant",  "state missed_deadline"};
  EXPECT_EQ(events_of(lines, "a"), expected);
  EXPECT_TRUE(events_of(lines, "b").empty());
}

TEST_F(ServerFlight, WhoIsNotLetInIsRemembered) {
  enrol("a");
  start_recording();
  ask<wire::Refused>(connect("a"), hello("b"));
  ask<wire::Refused>(connect(""), hello("c"));
  std::vector<std::string> causes;
  for (const auto& line : dump())
    if (line.value("dir", "") == "door") causes.push_back(line["what"]);
  EXPECT_EQ(causes, (std::vector<std::string>{"wrong_name", "no_certificate"}));
}

TEST_F(ServerFlight, WhyASessionEndedIsTold) {
  enrol("a");
  start_recording();
  auto& link = join("a");
  ask<wire::Refused>(link, wire::Hello{"a", 1, 0, "again"});
  const auto is_told = [&] {
    for (const auto& line : dump())
      if (line.value("peer", "") == "a" && line.contains("error"))
        return line["error"].get<std::string>().find("hello is not for a server") !=
               std::string::npos;
    return false;
  };
  EXPECT_TRUE(until(is_told));
}

}  // namespace
}  // namespace atl
