// What every transport promises (common/net/transport.h), run over each of them.
#include <gtest/gtest.h>

#include <asio/steady_timer.hpp>
#include <deque>

#include "common/core/rng.h"
#include "common/net/memory_transport.h"
#include "common/net/tls_transport.h"
#include "tests/support/driver.h"
#include "tests/support/identities.h"

namespace atl {
namespace {

using net::Duration;
using net::Session;
using testing::Driver;
using wire::FrameKind;
using Clock = std::chrono::steady_clock;

constexpr Duration kLong{20'000};

testing::Identities& identities() {
  static auto* made = [] {
    auto* all = new testing::Identities;
    all->add_client("a");
    return all;
  }();
  return *made;
}

Bytes random_bytes(Rng& rng, size_t size) {
  Bytes bytes(size);
  for (auto& b : bytes) b = static_cast<std::byte>(rng.next_u32());
  return bytes;
}

asio::awaitable<Status> send_owned(Session& session, FrameKind kind, Bytes payload) {
  co_return co_await session.send(kind, payload, {});
}

class Transport : public ::testing::TestWithParam<const char*> {
 protected:
  Transport() : network_(driver_.executor()) {
    const std::string kind = GetParam();
    if (kind == "memory") {
      listener_ = network_.make_listener();
      connector_ = network_.make_connector("a");
    } else if (kind == "tcp") {
      listener_ = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
      connector_ = net::make_plain_connector(driver_.executor(), listener_->address()).value();
    } else {
      listener_ = net::listen_tls(driver_.executor(), "127.0.0.1:0", identities().server()).value();
      connector_ = net::make_tls_connector(driver_.executor(), listener_->address(),
                                           identities().client("a"))
                       .value();
    }
  }
  ~Transport() override { listener_->close(); }

  void connect() {
    auto accepted = driver_.start(listener_->accept());
    client_ = driver_.wait(connector_->connect()).value();
    server_ = driver_.wait(accepted).value();
  }
  Driver::Pending<Status> send(Session& session, Bytes payload,
                               FrameKind kind = FrameKind::kChunk) {
    return driver_.start(send_owned(session, kind, std::move(payload)));
  }
  Result<FrameKind> receive(Session& session, Bytes& payload, Duration patience = kLong) {
    return driver_.wait(session.receive(payload, patience));
  }
  bool is_memory() const { return std::string(GetParam()) == "memory"; }

  Driver driver_;
  net::MemoryNetwork network_;
  std::shared_ptr<net::Listener> listener_;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<Session> client_, server_;
};
INSTANTIATE_TEST_SUITE_P(Over, Transport, ::testing::Values("memory", "tcp", "tls"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Transport, FramesOfEverySizeArriveWholeBothWays) {
  connect();
  Rng rng(1, "frames");
  uint64_t total = 0;
  const size_t limit = wire::max_payload(FrameKind::kChunk);
  for (size_t size : {size_t{0}, size_t{1}, size_t{7}, size_t{4096}, size_t{16384}, size_t{1} << 20,
                      limit - 1, limit}) {
    for (auto [from, to] :
         {std::pair(client_.get(), server_.get()), std::pair(server_.get(), client_.get())}) {
      const auto payload = random_bytes(rng, size);
      const size_t cut = size / 3;
      auto sent = driver_.start(from->send(FrameKind::kChunk, ByteView(payload).first(cut),
                                           ByteView(payload).subspan(cut)));
      Bytes got{std::byte{9}};
      const auto kind = receive(*to, got);
      ASSERT_TRUE(kind.ok()) << kind.error().message();
      EXPECT_EQ(*kind, FrameKind::kChunk);
      ASSERT_EQ(got.size(), size);
      EXPECT_TRUE(got == payload) << size;
      EXPECT_TRUE(driver_.wait(sent).ok());
    }
    total += size + wire::kHeaderSize;
  }
  EXPECT_EQ(client_->bytes_sent(), total);
  EXPECT_EQ(client_->bytes_received(), total);
  EXPECT_EQ(server_->bytes_sent(), total);
  EXPECT_EQ(server_->bytes_received(), total);
}

TEST_P(Transport, OrderAndKindAreKept) {
  connect();
  std::deque<Bytes> payloads;
  std::vector<Driver::Pending<Status>> sent;
  for (unsigned i = 0; i < 300; ++i) {
    payloads.push_back(Bytes(i % 5 + 1, static_cast<std::byte>(i)));
    // One at a time: wait for the one before; a full queue is emptied below.
    if (i >= 10) {
      Bytes got;
      const auto kind = receive(*server_, got);
      ASSERT_TRUE(kind.ok());
      EXPECT_EQ(*kind, (i - 10) % 2 == 0 ? FrameKind::kChunk : FrameKind::kControl);
      EXPECT_EQ(got, payloads[i - 10]);
    }
    auto one =
        send(*client_, payloads.back(), i % 2 == 0 ? FrameKind::kChunk : FrameKind::kControl);
    ASSERT_TRUE(driver_.wait(one).ok());
  }
}

asio::awaitable<Status> send_many(Session& session, const Bytes& payload, int count, int& done) {
  for (int i = 0; i < count; ++i) {
    auto sent = co_await session.send(FrameKind::kChunk, payload, {});
    if (!sent) co_return sent;
    ++done;
  }
  co_return Status();
}
asio::awaitable<Status> receive_many(Session& session, int count, uint64_t& bytes) {
  Bytes payload;
  for (int i = 0; i < count; ++i) {
    auto kind = co_await session.receive(payload, kLong);
    if (!kind) co_return std::move(kind).error();
    bytes += payload.size();
  }
  co_return Status();
}

TEST_P(Transport, ASenderIsHeldBackUntilTheReceiverTakesFrames) {
  connect();
  const Bytes payload(1 << 20);
  int done = 0;
  uint64_t bytes = 0;
  auto sending = driver_.start(send_many(*client_, payload, 128, done));
  driver_.settle();
  EXPECT_FALSE(sending->has_value());
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 64) << "frames pile up in memory";
  EXPECT_TRUE(driver_.wait(receive_many(*server_, 128, bytes)).ok());
  EXPECT_TRUE(driver_.wait(sending).ok());
  EXPECT_EQ(bytes, 128u << 20);
}

TEST_P(Transport, BothDirectionsFlowAtOnce) {
  connect();
  const Bytes payload(2 << 20);
  int up = 0, down = 0;
  uint64_t up_bytes = 0, down_bytes = 0;
  auto a = driver_.start(send_many(*client_, payload, 20, up));
  auto b = driver_.start(send_many(*server_, payload, 20, down));
  auto c = driver_.start(receive_many(*server_, 20, up_bytes));
  auto d = driver_.start(receive_many(*client_, 20, down_bytes));
  EXPECT_TRUE(driver_.wait(a).ok());
  EXPECT_TRUE(driver_.wait(b).ok());
  EXPECT_TRUE(driver_.wait(c).ok());
  EXPECT_TRUE(driver_.wait(d).ok());
  EXPECT_EQ(up_bytes, 40u << 20);
  EXPECT_EQ(down_bytes, 40u << 20);
}

TEST_P(Transport, PatienceRunsOutWhenNothingArrives) {
  connect();
  Bytes payload;
  const auto begun = Clock::now();
  const auto kind = receive(*server_, payload, Duration(60));
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.error().code(), ErrorCode::kDeadline);
  EXPECT_GE(Clock::now() - begun, Duration(60));
  EXPECT_LT(Clock::now() - begun, Duration(10'000));
}

// A patience that has passed is not held against the next receive.
TEST_P(Transport, PatienceIsOfOneReceive) {
  connect();
  Bytes payload;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(driver_.wait(send(*client_, Bytes(1))).ok());
    ASSERT_TRUE(receive(*server_, payload, Duration(100)).ok());
    asio::steady_timer pause(driver_.executor(), Duration(150));
    pause.async_wait([](const asio::error_code&) {});
    driver_.io().restart();
    driver_.io().run_one_for(Duration(1'000));
  }
  auto late = driver_.start(server_->receive(payload, kLong));
  ASSERT_TRUE(driver_.wait(send(*client_, Bytes(5))).ok());
  EXPECT_TRUE(driver_.wait(late).ok());
}

TEST_P(Transport, WhatWasSentBeforeAClosingStillArrives) {
  connect();
  ASSERT_TRUE(driver_.wait(send(*client_, Bytes(100))).ok());
  client_->close();
  client_->close();
  Bytes payload;
  EXPECT_TRUE(receive(*server_, payload).ok());
  EXPECT_EQ(payload.size(), 100u);
  const auto ended = receive(*server_, payload);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code(), ErrorCode::kNetwork);
  EXPECT_EQ(receive(*client_, payload).error().code(), ErrorCode::kNetwork);
  EXPECT_EQ(driver_.wait(send(*client_, Bytes(1))).error().code(), ErrorCode::kNetwork);
}

TEST_P(Transport, ADestroyedPeerEndsTheReceive) {
  connect();
  Bytes payload;
  auto receiving = driver_.start(server_->receive(payload, kLong));
  driver_.settle();
  client_.reset();
  const auto ended = driver_.wait(receiving);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code(), ErrorCode::kNetwork);
}

TEST_P(Transport, ClosingEndsWhatIsPendingHere) {
  connect();
  Bytes payload;
  int done = 0;
  const Bytes large(8 << 20);
  auto receiving = driver_.start(server_->receive(payload, kLong));
  auto sending = driver_.start(send_many(*server_, large, 64, done));
  driver_.settle();
  EXPECT_FALSE(receiving->has_value());
  EXPECT_FALSE(sending->has_value());
  server_->close();
  EXPECT_EQ(driver_.wait(receiving).error().code(), ErrorCode::kNetwork);
  EXPECT_EQ(driver_.wait(sending).error().code(), ErrorCode::kNetwork);
}

// A peer that is alive but does nothing: both directions give up by themselves.
TEST_P(Transport, AFrozenPeerRunsIntoTheSendPatience) {
  connect();
  client_->set_send_patience(Duration(100));
  int done = 0;
  const Bytes large(4 << 20);
  const auto ended = driver_.wait(send_many(*client_, large, 64, done));
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code(), ErrorCode::kDeadline) << ended.error().message();
  EXPECT_LT(done, 64);
}

TEST_P(Transport, AFrameOverTheLimitIsNotSent) {
  connect();
  const Bytes over(wire::max_payload(FrameKind::kChunk) + 1);
  const auto refused = driver_.wait(send(*client_, over));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kProtocol);
  // Nothing of it went out: the next frame is whole.
  ASSERT_TRUE(driver_.wait(send(*client_, Bytes(3))).ok());
  Bytes payload;
  ASSERT_TRUE(receive(*server_, payload).ok());
  EXPECT_EQ(payload.size(), 3u);
}

TEST_P(Transport, OnlyWhatTheIntakeTakesIsReceived) {
  struct {
    net::Intake intake;
    FrameKind kind;
    size_t size;
    const char* says;  // null: it is taken
  } const table[] = {
      {{.control = 100}, FrameKind::kControl, 100, nullptr},
      {{.control = 100}, FrameKind::kControl, 101, "a frame of 101 bytes where at most 100"},
      {{.chunk = 0}, FrameKind::kControl, 5, nullptr},
      {{.chunk = 0}, FrameKind::kChunk, 5, "a chunk where a message belongs"},
      {{.control = 0}, FrameKind::kChunk, 5, nullptr},
      {{.control = 0}, FrameKind::kControl, 0, "a message where a chunk belongs"},
  };
  for (const auto& row : table) {
    connect();
    server_->set_intake(row.intake);
    auto sent = send(*client_, Bytes(row.size), row.kind);
    Bytes got;
    const auto kind = receive(*server_, got);
    EXPECT_EQ(kind.ok(), row.says == nullptr) << row.size;
    if (kind) {
      EXPECT_EQ(got.size(), row.size);
    }
    if (!kind && row.says != nullptr) {
      EXPECT_EQ(kind.error().code(), ErrorCode::kProtocol);
      EXPECT_NE(kind.error().message().find(row.says), std::string::npos) << kind.error().message();
      EXPECT_EQ(got.capacity(), 0u);
    }
    (void)driver_.wait(sent);
  }
}

TEST_P(Transport, MemoryOfAMessageIsAskedForBeforeItIsTaken) {
  connect();
  uint64_t asked = 0;
  net::Intake intake;
  intake.hold = [&asked](uint64_t bytes) -> Status {
    asked = bytes;
    if (bytes > 100'000) return Error(ErrorCode::kRefused, "no room");
    return {};
  };
  server_->set_intake(intake);
  Bytes got;
  auto first = send(*client_, Bytes(1 << 20), FrameKind::kChunk);
  EXPECT_TRUE(receive(*server_, got).ok());  // chunks are not counted
  auto second = send(*client_, Bytes(100'000), FrameKind::kControl);
  EXPECT_TRUE(receive(*server_, got).ok());
  EXPECT_EQ(asked, 100'000u);
  auto third = send(*client_, Bytes(100'001), FrameKind::kControl);
  const auto kind = receive(*server_, got);
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.error().code(), ErrorCode::kRefused);
}

TEST_P(Transport, ManySessionsSideBySide) {
  constexpr size_t kSessions = 64;
  std::vector<Driver::Pending<Result<std::unique_ptr<Session>>>> connecting, accepting;
  for (size_t i = 0; i < kSessions; ++i) {
    accepting.push_back(driver_.start(listener_->accept()));
    connecting.push_back(driver_.start(connector_->connect()));
  }
  std::vector<std::unique_ptr<Session>> clients, servers;
  for (auto& one : connecting) clients.push_back(driver_.wait(one).value());
  for (auto& one : accepting) servers.push_back(driver_.wait(one).value());
  for (size_t i = 0; i < kSessions; ++i) {
    ASSERT_TRUE(driver_.wait(send(*clients[i], Bytes(i + 1))).ok());
  }
  size_t sum = 0;
  for (auto& server : servers) {
    Bytes payload;
    ASSERT_TRUE(receive(*server, payload).ok());
    sum += payload.size();
  }
  EXPECT_EQ(sum, kSessions * (kSessions + 1) / 2);
}

TEST_P(Transport, AClosedListenerAcceptsAndConnectsNobody) {
  auto accepting = driver_.start(listener_->accept());
  driver_.settle();
  listener_->close();
  EXPECT_EQ(driver_.wait(accepting).error().code(), ErrorCode::kNetwork);
  const auto refused = driver_.wait(connector_->connect());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kNetwork);
}

// The memory link's own ways to misbehave.
TEST(MemoryTransport, CutAndFreeze) {
  Driver driver;
  net::MemoryNetwork network(driver.executor());
  auto listener = network.make_listener();
  auto connector = network.make_connector("a");
  auto client = driver.wait(connector->connect()).value();
  auto server = driver.wait(listener->accept()).value();
  EXPECT_EQ(server->peer().name, "a");
  EXPECT_TRUE(server->peer().authenticated);
  network.freeze("a", true);
  ASSERT_TRUE(driver.wait(client->send(FrameKind::kChunk, Bytes(1), {})).ok());
  Bytes payload;
  EXPECT_EQ(driver.wait(server->receive(payload, Duration(30))).error().code(),
            ErrorCode::kDeadline);
  network.freeze("a", false);
  EXPECT_TRUE(driver.wait(server->receive(payload, Duration(30))).ok());
  network.cut("a");
  EXPECT_EQ(driver.wait(server->receive(payload, kLong)).error().code(), ErrorCode::kNetwork);
  EXPECT_EQ(driver.wait(client->receive(payload, kLong)).error().code(), ErrorCode::kNetwork);
}

}  // namespace
}  // namespace atl
