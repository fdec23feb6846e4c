// The server's side of common/wire/wire.md, message by message: what a client may say when, what it
// is told, and what it may say again.
#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>
#include <cmath>

#include "common/core/file.h"
#include "common/net/memory_transport.h"
#include "common/net/tls_transport.h"
#include "server/server.h"
#include "tests/support/audit_recorder.h"
#include "tests/support/driver.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensors.h"

namespace atl {
namespace {

using testing::bytes_of;
using testing::Driver;
using testing::spec;
using wire::FrameKind;
using wire::Reason;

constexpr net::Duration kLong{20'000};

Manifest model_of(int64_t columns) {
  return Manifest::make({spec("w", DType::kF32, {4, columns}, Role::kLinearWeight)}).value();
}
Bytes weights(float value) { return bytes_of(std::vector<float>(16, value)); }

class Conversation : public ::testing::Test {
 protected:
  Conversation() : pool_(1), network_(driver_.executor()) {
    config_.rounds = 2;
    config_.evaluate_every = 0;
    config_.poll = net::Duration(50);
    config_.progress = net::Duration(5'000);
  }
  ~Conversation() override {
    if (server_ == nullptr) return;
    links_.clear();
    server_->stop();
    (void)driver_.wait(running_);
    pool_.join();
  }
  void start(std::shared_ptr<net::Listener> listener = nullptr) {
    server_ = std::make_unique<server::Server>(driver_.executor(), pool_.get_executor(), config_);
    ASSERT_TRUE(server_->open(folder_.path()).ok());
    server_->context().audit = &audit_;
    running_ = driver_.start(
        server_->run(listener != nullptr ? std::move(listener) : network_.make_listener()));
    driver_.settle();
  }

  net::Session& connect(const std::string& name) {
    connector_ = network_.make_connector(name);
    links_.push_back(driver_.wait(connector_->connect()).value());
    return *links_.back();
  }
  void say(net::Session& link, const wire::Message& message) {
    const auto bytes = wire::encode(message);
    ASSERT_TRUE(driver_.wait(link.send(FrameKind::kControl, bytes, {})).ok());
  }
  void say_chunk(net::Session& link, uint64_t transfer, uint64_t offset, ByteView data) {
    const auto head = wire::encode(wire::ChunkHeader{transfer, offset});
    ASSERT_TRUE(driver_.wait(link.send(FrameKind::kChunk, head, data)).ok());
  }
  wire::Message hear(net::Session& link) {
    Bytes payload;
    auto kind = driver_.wait(link.receive(payload, kLong));
    if (!kind) return wire::Bye{"(" + kind.error().message() + ")"};
    EXPECT_EQ(*kind, FrameKind::kControl);
    return wire::decode(payload).value();
  }
  static asio::awaitable<Status> send_later(net::Session& link, FrameKind kind, Bytes payload) {
    co_return co_await link.send(kind, payload, {});
  }
  template <typename M>
  M ask(net::Session& link, const wire::Message& message) {
    say(link, message);
    auto answer = hear(link);
    EXPECT_TRUE(std::holds_alternative<M>(answer)) << wire::name_of(answer);
    return std::holds_alternative<M>(answer) ? std::get<M>(answer) : M{};
  }
  bool is_over(net::Session& link) {
    Bytes payload;
    auto kind = driver_.wait(link.receive(payload, kLong));
    return !kind && kind.error().code() == ErrorCode::kNetwork;
  }
  Bytes hear_chunks(net::Session& link, uint64_t transfer, uint64_t offset, uint64_t total) {
    Bytes all;
    while (offset < total) {
      Bytes payload;
      auto kind = driver_.wait(link.receive(payload, kLong));
      if (!kind || *kind != FrameKind::kChunk) return {};
      ByteView data;
      const auto header = wire::decode_chunk(payload, data).value();
      EXPECT_EQ(header.transfer, transfer);
      EXPECT_EQ(header.offset, offset);
      all.insert(all.end(), data.begin(), data.end());
      offset += data.size();
    }
    return all;
  }

  net::Session& join(const std::string& name, uint64_t train = 10, uint64_t test = 0) {
    auto& link = connect(name);
    ask<wire::Welcome>(link, wire::Hello{name, train, test, "test"});
    ask<wire::Joined>(link, wire::Join{model_of(4)});
    return link;
  }
  wire::Task next_task(net::Session& link) {
    for (;;) {
      auto task = ask<wire::Task>(link, wire::NextTask{});
      if (task.kind != wire::TaskKind::kWait) return task;
    }
  }
  wire::Offer offer_of(uint32_t round, const Bytes& flat, uint64_t examples = 10) {
    wire::Offer offer{round, flat.size(), transfer_digest(flat), {}};
    offer.report.examples = examples;
    return offer;
  }
  wire::Outcome upload(net::Session& link, const wire::Offer& offer, const Bytes& flat) {
    const auto grant = ask<wire::Grant>(link, offer);
    say_chunk(link, grant.transfer, grant.offset, ByteView(flat).subspan(grant.offset));
    return std::get<wire::Outcome>(hear(link));
  }
  // "a" and "b" joined, the initial model drawn by "a", round 1 open.
  std::pair<net::Session&, net::Session&> two_in_round_one() {
    start();
    auto &a = join("a"), &b = join("b");
    next_task(a);
    EXPECT_TRUE(upload(a, offer_of(0, weights(1)), weights(1)).accepted);
    EXPECT_EQ(next_task(a).round, 1u);
    EXPECT_EQ(next_task(b).round, 1u);
    return {a, b};
  }
  // One client joined, the initial model made (all ones), round 1 open.
  net::Session& in_round_one() {
    start();
    auto& link = join("a");
    const auto task = next_task(link);
    EXPECT_EQ(task.kind, wire::TaskKind::kInitialize);
    EXPECT_TRUE(upload(link, offer_of(0, weights(1)), weights(1)).accepted);
    const auto work = next_task(link);
    EXPECT_EQ(work.kind, wire::TaskKind::kWork);
    EXPECT_EQ(work.round, 1u);
    EXPECT_TRUE(work.train);
    EXPECT_EQ(work.model_bytes, 64u);
    EXPECT_EQ(work.model_digest, transfer_digest(weights(1)));
    return link;
  }

  Driver driver_;
  asio::thread_pool pool_;
  net::MemoryNetwork network_;
  testing::TemporaryFolder folder_;
  server::RunConfig config_;
  testing::AuditRecorder audit_;
  std::unique_ptr<server::Server> server_;
  Driver::Pending<Status> running_;
  std::unique_ptr<net::Connector> connector_;
  std::vector<std::unique_ptr<net::Session>> links_;
};

TEST_F(Conversation, TheFirstMessagesAreCheckedOneByOne) {
  start();
  const auto refused = [this](const wire::Message& first) {
    auto& link = connect("a");
    const auto refusal = ask<wire::Refused>(link, first);
    EXPECT_TRUE(is_over(link));
    return refusal.reason;
  };
  EXPECT_EQ(refused(wire::NextTask{}), Reason::kUnexpected);
  EXPECT_EQ(refused(wire::Hello{"b", 1, 1, ""}), Reason::kWrongName);
  EXPECT_EQ(refused(wire::Hello{"a", 0, 0, ""}), Reason::kNoData);
  EXPECT_EQ(refused(wire::Enrol{"token", "csr"}), Reason::kUnexpected);  // nobody enrols here
  auto& link = connect("a");
  const auto welcome = ask<wire::Welcome>(link, wire::Hello{"a", 1, 0, ""});
  EXPECT_EQ(welcome.identity.size(), 32u);
  EXPECT_EQ(welcome.run, "run");
  EXPECT_EQ(welcome.total_rounds, 2u);
  EXPECT_EQ(ask<wire::Refused>(link, wire::NextTask{}).reason, Reason::kUnexpected);
  EXPECT_TRUE(is_over(link));
}

TEST_F(Conversation, WithoutACertificateNobodyGetsPastTheFirstMessage) {
  auto listener = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
  start(listener);
  auto connector = net::make_plain_connector(driver_.executor(), listener->address()).value();
  for (const wire::Message& first :
       {wire::Message(wire::Hello{"a", 1, 1, ""}), wire::Message(wire::NextTask{})}) {
    links_.push_back(driver_.wait(connector->connect()).value());
    EXPECT_EQ(ask<wire::Refused>(*links_.back(), first).reason, Reason::kUnauthenticated);
    EXPECT_TRUE(is_over(*links_.back()));
  }
  EXPECT_TRUE(server_->context().registry.members().empty());
}

TEST_F(Conversation, TheAuditLogHearsOfEverything) {
  auto& link = in_round_one();
  EXPECT_EQ(upload(link, offer_of(1, weights(NAN)), weights(NAN)).reason, Reason::kNotFinite);
  network_.cut("a");
  ask<wire::Refused>(connect("b"), wire::Hello{"b", 0, 0, ""});
  auto& again = join("a");
  while (next_task(again).round != 1) driver_.settle();
  EXPECT_TRUE(upload(again, offer_of(1, weights(2)), weights(2)).accepted);
  ASSERT_EQ(next_task(again).round, 2u);
  const std::vector<std::string> expected{
      "joined a",          "update_accepted a", "update_refused a not_finite", "left a",
      "refused b no_data", "joined a",          "update_accepted a",           "round_committed ?"};
  EXPECT_EQ(audit_.said(), expected);
  EXPECT_EQ(audit_.entries[0].peer, "memory");
  EXPECT_NE(audit_.entries[2].text.find("w"), std::string::npos);
}

TEST_F(Conversation, GarbageIsAnsweredOnceAndEndsTheConnection) {
  start();
  auto& link = connect("a");
  const Bytes garbage(10, std::byte{0xff});
  ASSERT_TRUE(driver_.wait(link.send(FrameKind::kControl, garbage, {})).ok());
  const auto refused = std::get<wire::Refused>(hear(link));
  EXPECT_EQ(refused.reason, Reason::kUnexpected);
  EXPECT_NE(refused.text.find("malformed"), std::string::npos);
  EXPECT_TRUE(is_over(link));
  auto& other = connect("a");
  say_chunk(other, 1, 0, Bytes(8));
  EXPECT_TRUE(std::holds_alternative<wire::Refused>(hear(other)));
}

TEST_F(Conversation, AnotherModelIsTurnedAwayWithTheDifference) {
  in_round_one();
  auto& link = connect("b");
  ask<wire::Welcome>(link, wire::Hello{"b", 10, 0, ""});
  const auto refused = ask<wire::Refused>(link, wire::Join{model_of(5)});
  EXPECT_EQ(refused.reason, Reason::kModelMismatch);
  EXPECT_NE(refused.text.find("w F32[4,4] linear_weight | w F32[4,5] linear_weight"),
            std::string::npos)
      << refused.text;
}

// Once it is the run's, a model that cannot be aggregated ends the run.
TEST_F(Conversation, AFirstModelThatThePolicyCannotPoolIsTurnedAway) {
  start();
  auto& link = connect("b");
  ask<wire::Welcome>(link, wire::Hello{"b", 10, 0, ""});
  const auto lonely =
      Manifest::make({spec("bn.running_var", DType::kF32, {4}, Role::kNormVar)}).value();
  const auto refused = ask<wire::Refused>(link, wire::Join{lonely});
  EXPECT_EQ(refused.reason, Reason::kModelMismatch);
  EXPECT_NE(refused.text.find("cannot pool bn.running_var"), std::string::npos) << refused.text;
  EXPECT_TRUE(is_over(link));
  EXPECT_EQ(next_task(join("a")).kind, wire::TaskKind::kInitialize);
}

TEST_F(Conversation, AModelIsFetchedFromAnyOffsetAsOftenAsAsked) {
  auto& link = in_round_one();
  for (uint64_t offset : {0u, 0u, 8u, 56u}) {
    say(link, wire::Fetch{1, 70 + offset, offset});
    const auto all = weights(1);
    EXPECT_EQ(hear_chunks(link, 70 + offset, offset, 64),
              Bytes(all.begin() + static_cast<ptrdiff_t>(offset), all.end()));
  }
  say(link, wire::Fetch{1, 5, 64});  // nothing is left, nothing is sent
  EXPECT_EQ(ask<wire::Refused>(link, wire::Fetch{2, 1, 0}).reason, Reason::kStaleRound);
  EXPECT_TRUE(ask<wire::Pong>(link, wire::Ping{1, 0, 10}).round_open);  // it goes on
  EXPECT_FALSE(ask<wire::Pong>(link, wire::Ping{2, 0, 10}).round_open);
  EXPECT_EQ(ask<wire::Refused>(link, wire::Fetch{1, 1, 4}).reason, Reason::kWrongSize);
  EXPECT_TRUE(is_over(link));
}

TEST_F(Conversation, ATaskIsGivenAgainUntilItIsDone) {
  auto& link = in_round_one();
  EXPECT_EQ(next_task(link).round, 1u);
  EXPECT_EQ(next_task(link).round, 1u);
  EXPECT_TRUE(upload(link, offer_of(1, weights(2)), weights(2)).accepted);
  EXPECT_EQ(next_task(link).round, 2u);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(2)));
  EXPECT_TRUE(upload(link, offer_of(2, weights(3)), weights(3)).accepted);
  EXPECT_EQ(next_task(link).kind, wire::TaskKind::kDone);
}

TEST_F(Conversation, AnUploadResumesOnTheNextConnection) {
  config_.min_clients = 1;
  auto& link = in_round_one();
  const auto flat = weights(5);
  const auto grant = ask<wire::Grant>(link, offer_of(1, flat));
  EXPECT_EQ(grant.offset, 0u);
  say_chunk(link, grant.transfer, 0, ByteView(flat).first(40));
  driver_.settle();
  network_.cut("a");
  auto& again = join("a");
  EXPECT_EQ(next_task(again).round, 1u);
  const auto resumed = ask<wire::Grant>(again, offer_of(1, flat));
  EXPECT_EQ(resumed.offset, 40u);
  say_chunk(again, resumed.transfer, 40, ByteView(flat).subspan(40));
  EXPECT_TRUE(std::get<wire::Outcome>(hear(again)).accepted);
  EXPECT_EQ(next_task(again).round, 2u);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(flat));
}

TEST_F(Conversation, AnotherHashBeginsTheUploadAnew) {
  auto& link = in_round_one();
  const auto grant = ask<wire::Grant>(link, offer_of(1, weights(5)));
  say_chunk(link, grant.transfer, 0, ByteView(weights(5)).first(40));
  driver_.settle();
  network_.cut("a");
  auto& again = join("a");
  EXPECT_TRUE(upload(again, offer_of(1, weights(6)), weights(6)).accepted);
  EXPECT_EQ(next_task(again).round, 2u);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(6)));
}

TEST_F(Conversation, AnOfferAfterTheUpdateWasTakenIsAcceptedAgain) {
  config_.min_clients = 2;
  start();
  auto& a = join("a");
  auto& b = join("b");
  ASSERT_EQ(next_task(a).kind, wire::TaskKind::kInitialize);
  ASSERT_TRUE(upload(a, offer_of(0, weights(1)), weights(1)).accepted);
  ASSERT_EQ(next_task(a).round, 1u);
  ASSERT_EQ(next_task(b).round, 1u);
  ASSERT_TRUE(upload(a, offer_of(1, weights(2)), weights(2)).accepted);
  EXPECT_TRUE(ask<wire::Outcome>(a, offer_of(1, weights(2))).accepted);
  const auto stale = ask<wire::Outcome>(b, offer_of(7, weights(2)));
  EXPECT_FALSE(stale.accepted);
  EXPECT_EQ(stale.reason, Reason::kStaleRound);
  ASSERT_TRUE(upload(b, offer_of(1, weights(4), 30), weights(4)).accepted);
  EXPECT_EQ(next_task(b).round, 2u);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(3.5f)));
}

TEST_F(Conversation, WhoIsNotInTheRoundIsTold) {
  in_round_one();
  auto& late = join("late");
  const auto outcome = ask<wire::Outcome>(late, offer_of(1, weights(2)));
  EXPECT_FALSE(outcome.accepted);
  EXPECT_EQ(outcome.reason, Reason::kNotSelected);
  EXPECT_EQ(ask<wire::Task>(late, wire::NextTask{}).kind, wire::TaskKind::kWait);
}

// Each bad update costs its sender the round; the connection stays, and the round is tried again.
TEST_F(Conversation, BadUpdatesAreRefusedByReasonAndTheRunGoesOn) {
  config_.quarantine_after = 0;
  auto& link = in_round_one();
  const auto refuse = [&](const wire::Outcome& outcome, Reason reason) {
    EXPECT_FALSE(outcome.accepted);
    EXPECT_EQ(outcome.reason, reason) << outcome.text;
    EXPECT_EQ(next_task(link).round, 1u);
  };
  refuse(ask<wire::Outcome>(link, offer_of(1, bytes_of(std::vector<float>(15)))),
         Reason::kWrongSize);
  refuse(ask<wire::Outcome>(link, offer_of(1, weights(2), 0)), Reason::kNoData);
  refuse(upload(link, offer_of(1, weights(2)), weights(3)), Reason::kWrongHash);
  refuse(upload(link, offer_of(1, weights(NAN)), weights(NAN)), Reason::kNotFinite);
  // After a refusal half-way the rest is read and dropped.
  const auto bad = weights(INFINITY);
  const auto grant = ask<wire::Grant>(link, offer_of(1, bad));
  say_chunk(link, grant.transfer, 0, ByteView(bad).first(32));
  say_chunk(link, grant.transfer, 32, ByteView(bad).subspan(32));
  refuse(std::get<wire::Outcome>(hear(link)), Reason::kNotFinite);
  EXPECT_TRUE(upload(link, offer_of(1, weights(2)), weights(2)).accepted);
  EXPECT_EQ(next_task(link).round, 2u);
}

TEST_F(Conversation, ChunksOfAnotherTransferOrTooLongEndTheConnection) {
  auto& link = in_round_one();
  const auto grant = ask<wire::Grant>(link, offer_of(1, weights(2)));
  say_chunk(link, grant.transfer + 1, 0, ByteView(weights(2)).first(8));
  EXPECT_EQ(std::get<wire::Refused>(hear(link)).reason, Reason::kWrongSize);
  auto& again = join("a");
  next_task(again);
  const auto second = ask<wire::Grant>(again, offer_of(1, weights(2)));
  say_chunk(again, second.transfer, 0, Bytes(72));
  EXPECT_EQ(std::get<wire::Refused>(hear(again)).reason, Reason::kWrongSize);
}

// A client may claim any number of examples; it must not end the run for everyone.
TEST_F(Conversation, AnAbsurdClaimOfExamplesDoesNotEndTheRun) {
  auto& link = in_round_one();
  EXPECT_TRUE(upload(link, offer_of(1, weights(2), 1ull << 40), weights(2)).accepted);
  EXPECT_EQ(next_task(link).round, 2u);
  EXPECT_FALSE(running_->has_value());
}

TEST_F(Conversation, ANewerConnectionReplacesTheOlder) {
  auto& old = in_round_one();
  auto& fresh = join("a");
  EXPECT_TRUE(is_over(old));
  EXPECT_EQ(next_task(fresh).round, 1u);
  EXPECT_EQ(server_->context().registry.trainers(), std::vector<std::string>{"a"});
}

// The old connection's last piece completes its update, not the one that the new connection began.
TEST_F(Conversation, APieceThatComesLateCompletesNothingOfTheNewerConnection) {
  auto& old = in_round_one();
  const auto grant = ask<wire::Grant>(old, offer_of(1, weights(2)));
  auto& fresh = connect("a");
  for (const wire::Message& message :
       {wire::Message(wire::Hello{"a", 10, 0, ""}), wire::Message(wire::Join{model_of(4)}),
        wire::Message(offer_of(1, weights(3)))})
    driver_.start(send_later(fresh, FrameKind::kControl, wire::encode(message)));
  auto late = wire::encode(wire::ChunkHeader{grant.transfer, 0});
  Bytes piece(late.begin(), late.end());
  const auto flat = weights(2);
  piece.insert(piece.end(), flat.begin(), flat.end());
  driver_.start(send_later(old, FrameKind::kChunk, piece));
  driver_.settle();
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(hear(fresh)));
  EXPECT_TRUE(std::holds_alternative<wire::Joined>(hear(fresh)));
  const auto begun = std::get<wire::Grant>(hear(fresh));
  say_chunk(fresh, begun.transfer, 0, weights(3));
  EXPECT_TRUE(std::get<wire::Outcome>(hear(fresh)).accepted);
  EXPECT_EQ(next_task(fresh).round, 2u);
}

// Three in a row: it is told, and not let in again until an operator releases it.
TEST_F(Conversation, WhoseUpdatesAreRefusedTooOftenIsPutInQuarantine) {
  auto& link = in_round_one();
  const auto refuse = [&](net::Session& to) {
    EXPECT_FALSE(upload(to, offer_of(1, weights(NAN)), weights(NAN)).accepted);
  };
  refuse(link);
  next_task(link);
  refuse(link);
  next_task(link);
  refuse(link);
  const auto told = std::get<wire::Refused>(hear(link));
  EXPECT_EQ(told.reason, Reason::kQuarantined);
  EXPECT_TRUE(is_over(link));
  EXPECT_EQ(ask<wire::Refused>(connect("a"), wire::Hello{"a", 1, 0, ""}).reason,
            Reason::kQuarantined);
  // A run whose clients are all out waits; it makes no model of nobody.
  EXPECT_EQ(server_->context().store->round(), 0u);
  const auto metrics = read_text(folder_.path() + "/metrics.jsonl").value();
  EXPECT_NE(
      metrics.find(R"("event":"quarantined","round":1,"client":"a","reason":"tensor w holds)"),
      std::string::npos)
      << metrics;
  const auto status = read_text(folder_.path() + "/status.json").value();
  EXPECT_NE(status.find("\"quarantined\": [\n    {\n      \"name\": \"a\""), std::string::npos)
      << status;

  ASSERT_TRUE(server::release_from_quarantine(folder_.path() + "/quarantine.json", "a").ok());
  auto& again = join("a");
  next_task(again);
  refuse(again);  // counted from 0 again
  next_task(again);
  EXPECT_TRUE(upload(again, offer_of(1, weights(2)), weights(2)).accepted);
  EXPECT_EQ(next_task(again).round, 2u);
}

TEST_F(Conversation, AnUpdateThatIsTakenEndsTheCountOfRefusals) {
  config_.rounds = 3;
  auto& link = in_round_one();
  for (uint32_t round : {1u, 2u}) {
    for (int i = 0; i < 2; ++i) {
      const auto refused = upload(link, offer_of(round, weights(NAN)), weights(NAN));
      EXPECT_EQ(refused.reason, Reason::kNotFinite);
      EXPECT_EQ(next_task(link).round, round);
    }
    EXPECT_TRUE(upload(link, offer_of(round, weights(2)), weights(2)).accepted);
    EXPECT_EQ(next_task(link).round, round + 1);
  }
}

// The steps that a client tells are its own word: `round_s` ends what they alone would keep open.
TEST_F(Conversation, ARoundEndsAtItsLimitWhoeverMakesProgress) {
  config_.min_clients = 2;
  config_.quorum = 1;
  config_.progress = std::chrono::hours(1);
  config_.round_limit = net::Duration(1'500);
  auto [a, b] = two_in_round_one();
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(upload(a, offer_of(1, weights(2)), weights(2)).accepted);
  uint64_t steps = 0;
  while (ask<wire::Pong>(b, wire::Ping{1, ++steps, 1u << 30}).round_open) {
    ASSERT_LT(std::chrono::steady_clock::now() - begun, kLong);
    driver_.settle();
  }
  EXPECT_GT(steps, 1u);
  EXPECT_EQ(next_task(a).round, 2u);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(2)));
  EXPECT_EQ(next_task(b).round, 2u);  // out of the round, not of the run
}

// Without the quorum a round is tried again, with all of them.
TEST_F(Conversation, ARoundThatEndsAtItsLimitWithoutItsQuorumIsVoid) {
  config_.min_clients = 2;
  config_.progress = std::chrono::hours(1);
  config_.round_limit = net::Duration(1'500);
  auto [a, b] = two_in_round_one();
  ASSERT_TRUE(upload(a, offer_of(1, weights(2)), weights(2)).accepted);
  ASSERT_EQ(next_task(a).round, 1u);  // again
  ASSERT_EQ(next_task(b).round, 1u);
  ASSERT_TRUE(upload(a, offer_of(1, weights(2)), weights(2)).accepted);
  ASSERT_TRUE(upload(b, offer_of(1, weights(4)), weights(4)).accepted);
  EXPECT_EQ(next_task(a).round, 2u);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(3)));
}

// An update that is whole only after the round closed is in no model, and nobody says that it is.
TEST_F(Conversation, AnUpdateThatEndsAfterItsRoundIsNotAccepted) {
  config_.min_clients = 2;
  config_.cohort = 1;
  config_.over_selection = 1;
  config_.rounds = 3;
  auto [a, b] = two_in_round_one();
  const auto grant = ask<wire::Grant>(b, offer_of(1, weights(4)));
  say_chunk(b, grant.transfer, 0, ByteView(weights(4)).first(40));
  driver_.settle();
  ASSERT_TRUE(upload(a, offer_of(1, weights(2)), weights(2)).accepted);
  ASSERT_EQ(next_task(a).round, 2u);
  say_chunk(b, grant.transfer, 40, ByteView(weights(4)).subspan(40));
  const auto outcome = std::get<wire::Outcome>(hear(b));
  EXPECT_FALSE(outcome.accepted);
  EXPECT_EQ(outcome.reason, Reason::kStaleRound);
  EXPECT_EQ(server_->context().store->model_digest(), sha256(weights(2)));
  const auto said = audit_.said();
  EXPECT_EQ(std::count(said.begin(), said.end(), "update_accepted b"), 0);
  driver_.settle();
  EXPECT_EQ(server_->context().store->spool()->idle(), 2u);  // both files are free again
}

// A breach of the protocol costs the round at once: nobody waits for `progress_s`. It counts as a
// refused update does, but only of a client that has joined.
TEST_F(Conversation, ABreachOfTheProtocolCostsTheRoundAndCounts) {
  config_.min_clients = 2;
  config_.quorum = 1;
  config_.progress = std::chrono::hours(1);
  config_.quarantine_after = 2;
  start();
  auto& a = join("a");
  auto* b = &join("b");
  next_task(a);
  ASSERT_TRUE(upload(a, offer_of(0, weights(1)), weights(1)).accepted);
  for (uint32_t round : {1u, 2u}) {
    ASSERT_EQ(next_task(a).round, round);
    ASSERT_EQ(next_task(*b).round, round);
    ASSERT_TRUE(upload(a, offer_of(round, weights(2)), weights(2)).accepted);
    say(*b, round == 1 ? wire::Message(wire::Joined{}) : wire::Message(wire::Fetch{2, 1, 4}));
    EXPECT_TRUE(std::holds_alternative<wire::Refused>(hear(*b)));
    if (round == 2) break;
    for (int i = 0; i < 3; ++i) {
      auto& stranger = connect("b");
      ask<wire::Refused>(stranger, wire::NextTask{});
    }
    b = &join("b");
  }
  EXPECT_EQ(next_task(a).kind, wire::TaskKind::kDone);
  EXPECT_EQ(ask<wire::Refused>(connect("b"), wire::Hello{"b", 1, 0, ""}).reason,
            Reason::kQuarantined);
}

TEST_F(Conversation, QuarantineOutlivesTheServer) {
  config_.quarantine_after = 1;
  auto& link = in_round_one();
  EXPECT_FALSE(upload(link, offer_of(1, weights(NAN)), weights(NAN)).accepted);
  links_.clear();
  server_->stop();
  (void)driver_.wait(running_);
  start();
  EXPECT_EQ(ask<wire::Refused>(connect("a"), wire::Hello{"a", 1, 0, ""}).reason,
            Reason::kQuarantined);
  // A list that cannot be read lets nobody in.
  ASSERT_TRUE(write_atomic(folder_.path() + "/quarantine.json", "[{}]").ok());
  EXPECT_EQ(ask<wire::Refused>(connect("b"), wire::Hello{"b", 1, 0, ""}).reason,
            Reason::kServerError);
  EXPECT_EQ(server::Quarantine::open(folder_.path() + "/quarantine.json", 3).error().code(),
            ErrorCode::kIo);
}

// The interrupted round goes on with the clients it had, less those who are not let in any more.
TEST_F(Conversation, AnInterruptedRoundDoesNotWaitForWhoIsInQuarantine) {
  config_.quarantine_after = 1;
  config_.min_clients = 2;
  config_.progress = net::Duration(120'000);
  start();
  {
    auto &good = join("a"), &bad = join("b");
    EXPECT_EQ(next_task(good).kind, wire::TaskKind::kInitialize);
    EXPECT_TRUE(upload(good, offer_of(0, weights(1)), weights(1)).accepted);
    EXPECT_EQ(next_task(good).round, 1u);
    EXPECT_EQ(next_task(bad).round, 1u);
    EXPECT_FALSE(upload(bad, offer_of(1, weights(NAN)), weights(NAN)).accepted);
  }
  links_.clear();
  server_->stop();
  (void)driver_.wait(running_);
  start();
  auto& again = join("a");
  EXPECT_EQ(next_task(again).round, 1u);
  EXPECT_TRUE(upload(again, offer_of(1, weights(2)), weights(2)).accepted);
  EXPECT_EQ(next_task(again).round, 2u);
}

TEST_F(Conversation, HowLongAMessageMayBeDependsOnHowFarTheClientIs) {
  start();
  server_->context().door.limits.greeting = 1000;
  server_->context().door.limits.control = 500;
  const auto too_long = [this](net::Session& link, size_t size) {
    const Bytes bytes(size);
    EXPECT_TRUE(driver_.wait(link.send(FrameKind::kControl, bytes, {})).ok());
    const auto refused = std::get<wire::Refused>(hear(link));
    EXPECT_EQ(refused.reason, Reason::kUnexpected);
    EXPECT_TRUE(is_over(link));
    return refused.text;
  };
  EXPECT_EQ(too_long(connect("a"), 1001), "a frame of 1001 bytes where at most 1000 are taken");
  EXPECT_NE(too_long(connect("a"), 1000).find("malformed"), std::string::npos);
  EXPECT_EQ(too_long(join("a"), 501), "a frame of 501 bytes where at most 500 are taken");
  auto& a = join("a");
  // While there is no model, a manifest may be as long as any.
  auto& b = connect("b");
  ask<wire::Welcome>(b, wire::Hello{"b", 1, 0, ""});
  EXPECT_NE(too_long(b, wire::kMaxControl).find("malformed"), std::string::npos);
  next_task(a);
  EXPECT_TRUE(upload(a, offer_of(0, weights(1)), weights(1)).accepted);
  next_task(a);
  auto& c = connect("c");
  ask<wire::Welcome>(c, wire::Hello{"c", 1, 0, ""});
  EXPECT_EQ(too_long(c, (1u << 20) + 1),
            "a frame of 1048577 bytes where at most 1048576 are taken");
}

TEST_F(Conversation, ChunksComeOnlyWhereTheyWereAskedFor) {
  auto& link = in_round_one();
  EXPECT_TRUE(upload(link, offer_of(1, weights(2)), weights(2)).accepted);
  say_chunk(link, 1, 0, Bytes(64));
  const auto refused = std::get<wire::Refused>(hear(link));
  EXPECT_EQ(refused.text, "a chunk where a message belongs");
  EXPECT_TRUE(is_over(link));
}

TEST_F(Conversation, ASilentStrangerGoesAfterTheGrace) {
  auto listener = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
  start(listener);
  server_->context().door.limits.grace = net::Duration(50);
  auto connector = net::make_plain_connector(driver_.executor(), listener->address()).value();
  links_.push_back(driver_.wait(connector->connect()).value());
  EXPECT_TRUE(is_over(*links_.back()));
  EXPECT_EQ(server_->context().door.sessions(), 0u);
}

TEST_F(Conversation, TooManyStrangersPutTheOldestOut) {
  auto listener = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
  start(listener);
  server_->context().trust_names = true;
  server_->context().door.limits.strangers = 2;
  auto connector = net::make_plain_connector(driver_.executor(), listener->address()).value();
  const auto arrive = [&]() -> net::Session& {
    links_.push_back(driver_.wait(connector->connect()).value());
    const auto& door = server_->context().door;
    for (const auto seen = door.arrived(); door.arrived() == seen;) driver_.settle();
    return *links_.back();
  };
  auto& first = arrive();
  auto& second = arrive();
  auto& third = arrive();
  EXPECT_TRUE(is_over(first));
  // Who has joined is no stranger.
  ask<wire::Welcome>(second, wire::Hello{"b", 1, 0, ""});
  ask<wire::Joined>(second, wire::Join{model_of(4)});
  arrive();
  ask<wire::Welcome>(third, wire::Hello{"c", 1, 0, ""});
  arrive();
  EXPECT_TRUE(is_over(third));
  EXPECT_EQ(ask<wire::Task>(second, wire::NextTask{}).kind, wire::TaskKind::kInitialize);
}

TEST_F(Conversation, ACertificateHasFewConnectionsThatHaveNotJoined) {
  start();
  server_->context().door.limits.of_one_name = 1;
  auto& old = connect("a");
  ask<wire::Welcome>(old, wire::Hello{"a", 1, 0, ""});
  auto& fresh = connect("a");
  ask<wire::Welcome>(fresh, wire::Hello{"a", 1, 0, ""});
  EXPECT_TRUE(is_over(old));
  ask<wire::Joined>(fresh, wire::Join{model_of(4)});
}

TEST_F(Conversation, AFullHouseIsSaid) {
  start();
  server_->context().door.limits.sessions = 1;
  auto& link = join("a");
  EXPECT_EQ(std::get<wire::Refused>(hear(connect("b"))).reason, Reason::kBusy);
  driver_.wait(link.send(FrameKind::kControl, wire::encode(wire::Bye{""}), {})).ok();
  EXPECT_TRUE(is_over(link));
  join("b");
}

TEST_F(Conversation, ManifestsOnTheirWayAndKeptAreBoundedInSum) {
  start();
  auto& door = server_->context().door;
  const auto tensors = [](size_t count, const std::string& name) {
    std::vector<TensorSpec> specs;
    for (size_t i = 0; i < count; ++i)
      specs.push_back(spec(name + std::to_string(i), DType::kF32, {1}, Role::kLinearWeight));
    return Manifest::make(std::move(specs)).value();
  };
  const auto large = tensors(1000, "x"), other = tensors(1000, "y");
  door.limits.held = server::memory_of(large) + wire::encode(wire::Join{large}).size();
  const auto ask_join = [&](const std::string& name, const Manifest& manifest) {
    auto& link = connect(name);
    ask<wire::Welcome>(link, wire::Hello{name, 1, 0, ""});
    say(link, wire::Join{manifest});
    return hear(link);
  };
  EXPECT_TRUE(std::holds_alternative<wire::Joined>(ask_join("a", large)));
  EXPECT_EQ(door.held(), server::memory_of(large));
  // The same one costs nothing more; another one has no room, on its way or kept.
  EXPECT_TRUE(std::holds_alternative<wire::Joined>(ask_join("b", large)));
  EXPECT_EQ(door.held(), server::memory_of(large));
  EXPECT_EQ(std::get<wire::Refused>(ask_join("c", other)).reason, Reason::kBusy);
  door.limits.held -= 1;
  EXPECT_EQ(std::get<wire::Refused>(ask_join("c", large)).reason, Reason::kBusy);
  network_.cut("a");
  network_.cut("b");
  driver_.settle();
  EXPECT_EQ(door.held(), 0u);
  EXPECT_TRUE(std::holds_alternative<wire::Joined>(ask_join("c", other)));
}

// They do not wait to be found out when their turn comes: what they hold is given back.
TEST_F(Conversation, WhoJoinedWithAnotherModelGoesOnceThereIsOne) {
  config_.min_clients = 2;
  start();
  auto& a = join("a");
  auto& b = connect("b");
  ask<wire::Welcome>(b, wire::Hello{"b", 10, 0, ""});
  ask<wire::Joined>(b, wire::Join{model_of(5)});
  EXPECT_GT(server_->context().door.held(), 0u);
  next_task(a);
  EXPECT_TRUE(upload(a, offer_of(0, weights(1)), weights(1)).accepted);
  next_task(a);
  EXPECT_EQ(ask<wire::Refused>(b, wire::Ping{1, 0, 0}).reason, Reason::kModelMismatch);
  EXPECT_TRUE(is_over(b));
  EXPECT_EQ(server_->context().door.held(), 0u);
}

TEST_F(Conversation, StoppedBeforeItRanItReturnsAtOnce) {
  start();
  server_->stop();
  const auto stopped = driver_.wait(running_);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kInterrupted);
  server_.reset();
  server::Server other(driver_.executor(), pool_.get_executor(), config_);
  testing::TemporaryFolder folder;
  ASSERT_TRUE(other.open(folder.path()).ok());
  other.stop();
  EXPECT_EQ(driver_.wait(other.run(network_.make_listener())).error().code(),
            ErrorCode::kInterrupted);
}

}  // namespace
}  // namespace atl
