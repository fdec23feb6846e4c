// Revoking a certificate ends what its client does at this moment, and nobody else's.
#include "server/admission/revocation_watch.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/secured_server.h"

namespace atl {
namespace {

using namespace server;
using std::chrono::seconds;

class Cut : public testing::SecuredServer {
 protected:
  Cut() {
    enrol("a");
    enrol("b");
    config_.min_clients = 2;
    config_.quorum = 1;
  }
  void start_watched(net::Duration interval) {
    look_every_ = interval;
    start();
  }
  bool is_member(const std::string& name) {
    const auto& members = server_->context().registry.members();
    return members.count(name) != 0 && members.at(name).session != nullptr;
  }
  wire::Task next_task(net::Session& link) {
    for (;;) {
      auto task = ask<wire::Task>(link, wire::NextTask{});
      if (task.kind != wire::TaskKind::kWait) return task;
    }
  }
  wire::Offer offer_of(uint32_t round, const Bytes& flat) {
    wire::Offer offer{round, flat.size(), transfer_digest(flat), {}};
    offer.report.examples = 10;
    return offer;
  }
  wire::Outcome upload(net::Session& link, uint32_t round, const Bytes& flat) {
    const auto grant = ask<wire::Grant>(link, offer_of(round, flat));
    const auto head = wire::encode(wire::ChunkHeader{grant.transfer, 0});
    EXPECT_TRUE(driver_.wait(link.send(wire::FrameKind::kChunk, head, flat)).ok());
    return std::get<wire::Outcome>(hear(link));
  }
  static Bytes weights(float value) { return testing::bytes_of(std::vector<float>(16, value)); }
};

TEST_F(Cut, ALiveSessionItsMembershipAndItsPartInTheRound) {
  start_watched(net::Duration(20));
  auto& a = join("a");
  auto& b = join("b");
  ASSERT_EQ(next_task(a).kind, wire::TaskKind::kInitialize);
  ASSERT_TRUE(upload(a, 0, weights(1)).accepted);
  ASSERT_EQ(next_task(a).round, 1u);
  ASSERT_EQ(next_task(b).round, 1u);
  audit_.entries.clear();

  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(a)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
  EXPECT_FALSE(is_member("a"));
  EXPECT_TRUE(is_member("b"));
  ASSERT_NE(server_->context().round, nullptr);
  EXPECT_EQ(server_->context().round->participants().at("a").phase, Phase::kFailed);
  EXPECT_EQ(denied(Denial::kRevoked), 1u);
  ASSERT_FALSE(audit_.entries.empty());
  EXPECT_EQ(audit_.said()[0], "refused a revoked");
  // The round goes on with who is left, at once.
  EXPECT_TRUE(upload(b, 1, weights(3)).accepted);
  EXPECT_TRUE(until([&] { return server_->context().store->round() == 1; }));
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(3)));
  // And it does not come back.
  EXPECT_NE(std::get<wire::Bye>(hear(connect("a"))).text.find("revoked"), std::string::npos);
  EXPECT_EQ(denied(Denial::kRevoked), 2u);
}

TEST_F(Cut, AnUploadInItsMiddle) {
  start_watched(net::Duration(20));
  auto& a = join("a");
  join("b");
  ASSERT_EQ(next_task(a).kind, wire::TaskKind::kInitialize);
  ASSERT_TRUE(upload(a, 0, weights(1)).accepted);
  ASSERT_EQ(next_task(a).round, 1u);
  const auto grant = ask<wire::Grant>(a, offer_of(1, weights(9)));
  const auto head = wire::encode(wire::ChunkHeader{grant.transfer, 0});
  const auto flat = weights(9);
  const auto half = ByteView(flat).first(32);
  ASSERT_TRUE(driver_.wait(a.send(wire::FrameKind::kChunk, head, half)).ok());
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(a)));
  EXPECT_EQ(server_->context().round->participants().at("a").phase, Phase::kFailed);
  EXPECT_EQ(server_->context().round->participants().at("a").upload, nullptr);
  EXPECT_TRUE(until([&] { return server_->context().live.size() == 1; }));
}

TEST_F(Cut, ASessionThatHasNotJoined) {
  start_watched(net::Duration(20));
  auto& quiet = connect("a");
  auto& greeted = connect("a");
  ask<wire::Welcome>(greeted, hello("a"));
  ASSERT_TRUE(until([&] { return server_->context().live.size() == 2; }));
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(quiet)));
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(greeted)));
  EXPECT_TRUE(until([&] { return server_->context().live.empty(); }));
  EXPECT_EQ(denied(Denial::kRevoked), 2u);
}

// A client that waits for its next task does so for as long as the poll takes; not when it is cut.
TEST_F(Cut, ALongPoll) {
  config_.poll = std::chrono::hours(1);
  start_watched(net::Duration(20));
  auto& a = join("a");
  say(a, wire::NextTask{});
  driver_.settle();
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_TRUE(until([&] { return audit_.said().back() == "left a"; }));
  join("b");
  say(*links_.back(), wire::NextTask{});
  driver_.settle();  // and the server stops although b waits
}

TEST_F(Cut, WithinASecondByDefault) {
  start();
  auto& a = join("a");
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(a)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
}

TEST_F(Cut, NobodyWhileTheListCannotBeRead) {
  start_watched(net::Duration(5));
  join("a");
  std::filesystem::create_directory(folder_.revoked());
  for (int looks = 0; looks < 5; ++looks)
    (void)driver_.wait(net::Event(driver_.executor()).wait_for(net::Duration(5)));
  EXPECT_TRUE(is_member("a"));
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(connect("b"))));  // but nobody gets in
  EXPECT_EQ(denied(Denial::kRevoked), 1u);
}

TEST_F(Cut, NobodyOnTheSecondLook) {
  start_watched(net::Duration(1'000'000));
  join("a");
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_EQ(cut_unwelcome(server_->context()), 1u);
  EXPECT_EQ(cut_unwelcome(server_->context()), 0u);
  EXPECT_EQ(denied(Denial::kRevoked), 1u);
}

}  // namespace
}  // namespace atl
