// What the two byte-stream transports promise against peers that are slow, dead or hostile.
#include <gtest/gtest.h>

#include "common/net/tls_transport.h"
#include "tests/support/driver.h"
#include "tests/support/identities.h"
#include "tests/support/raw_peer.h"

namespace atl {
namespace {

using net::Duration;
using testing::Driver;
using testing::RawPeer;
using wire::FrameKind;

class Stream : public ::testing::TestWithParam<const char*> {
 protected:
  Stream() {
    identities_.add_client("a");
    std::shared_ptr<asio::ssl::context> context;
    if (std::string(GetParam()) == "tcp") {
      listener_ = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
    } else {
      listener_ = net::listen_tls(driver_.executor(), "127.0.0.1:0", identities_.server()).value();
      context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
      context->use_certificate_chain_file(identities_.file("a.pem"));
      context->use_private_key_file(identities_.file("a.key"), asio::ssl::context::pem);
    }
    peer_ = std::make_unique<RawPeer>(driver_.executor(), context);
    auto accepting = driver_.start(listener_->accept());
    EXPECT_EQ(driver_.wait(peer_->connect(listener_->address())), "");
    session_ = driver_.wait(accepting).value();
  }
  ~Stream() override { listener_->close(); }

  Result<FrameKind> receive(Duration patience = Duration(20'000)) {
    return driver_.wait(session_->receive(payload_, patience));
  }
  void write(Bytes bytes) { ASSERT_TRUE(driver_.wait(peer_->write(std::move(bytes)))); }

  Driver driver_;
  testing::Identities identities_;
  std::shared_ptr<net::Listener> listener_;
  std::unique_ptr<RawPeer> peer_;
  std::unique_ptr<net::Session> session_;
  Bytes payload_;
};
INSTANTIATE_TEST_SUITE_P(Over, Stream, ::testing::Values("tcp", "tls"),
                         [](const auto& info) { return std::string(info.param); });

asio::awaitable<bool> linger(net::Session& session, Duration limit) {
  co_await session.linger(limit);
  co_return true;
}

Bytes raw_header(uint32_t length, unsigned kind, unsigned version, unsigned r0 = 0,
                 unsigned r1 = 0) {
  Bytes bytes(8);
  for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(length >> (8 * i));
  bytes[4] = static_cast<std::byte>(kind);
  bytes[5] = static_cast<std::byte>(version);
  bytes[6] = static_cast<std::byte>(r0);
  bytes[7] = static_cast<std::byte>(r1);
  return bytes;
}

// The frame takes 24 pauses of 40 ms, far more than the patience of 600 ms: it arrives all the
// same.
TEST_P(Stream, ASlowDripKeepsTheReceiveAlive) {
  auto frame = raw_header(16, 2, 1);
  frame.resize(24, std::byte{7});
  auto dripping = driver_.start(peer_->drip(frame, Duration(40)));
  const auto kind = receive(Duration(600));
  ASSERT_TRUE(kind.ok()) << kind.error().message();
  EXPECT_EQ(payload_, Bytes(16, std::byte{7}));
  EXPECT_TRUE(driver_.wait(dripping));
}

// The same drip is over its time when a pace is asked for, though no silence is ever long.
TEST_P(Stream, AFrameSlowerThanItsPaceIsGivenUp) {
  session_->set_intake({.pace = 1000, .grace = Duration(200)});
  auto frame = raw_header(16, 2, 1);
  frame.resize(24, std::byte{7});
  auto dripping = driver_.start(peer_->drip(frame, Duration(40)));
  const auto kind = receive(Duration(20'000));
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.error().code(), ErrorCode::kDeadline);
  EXPECT_NE(kind.error().message().find("took too long"), std::string::npos);
  (void)driver_.wait(dripping);
}

// 24 bytes at 20 bytes a second may take more than a second; waiting for the first one is free.
TEST_P(Stream, AFrameThatKeepsItsPaceMayTakeLongerThanTheGrace) {
  session_->set_intake({.pace = 20, .grace = Duration(200)});
  auto frame = raw_header(16, 2, 1);
  frame.resize(24, std::byte{7});
  auto receiving = driver_.start(session_->receive(payload_, Duration(20'000)));
  auto dripping = driver_.start(peer_->drip(frame, Duration(25)));
  const auto kind = driver_.wait(receiving);
  ASSERT_TRUE(kind.ok()) << kind.error().message();
  EXPECT_TRUE(driver_.wait(dripping));
  // The next frame has its own time, and silence between the two does not count.
  EXPECT_EQ(receive(Duration(300)).error().message().substr(0, 13), "nothing moved");
}

// Closed at once, bytes that nobody read would make the kernel reset the connection, and the answer
// could be lost.
TEST_P(Stream, LingeringLetsTheLastWordArrive) {
  const Bytes large(4 << 20);
  auto writing = driver_.start(peer_->write(large));
  driver_.settle();
  const Bytes word(8, std::byte{7});
  ASSERT_TRUE(driver_.wait(session_->send(FrameKind::kControl, word, {})).ok());
  auto lingering = driver_.start(linger(*session_, Duration(20'000)));
  EXPECT_TRUE(driver_.wait(writing));
  EXPECT_EQ(driver_.wait(peer_->read_some()).size(), wire::kHeaderSize + word.size());
  EXPECT_FALSE(lingering->has_value());
  peer_->reset();
  EXPECT_TRUE(driver_.wait(lingering));
}

TEST_P(Stream, LingeringIsBounded) {
  auto lingering = driver_.start(linger(*session_, Duration(50)));
  EXPECT_TRUE(driver_.wait(lingering, std::chrono::seconds(10)));
}

TEST_P(Stream, AFrameThatStopsHalfWayRunsIntoThePatience) {
  write(raw_header(16, 2, 1));
  write(Bytes(15));
  const auto kind = receive(Duration(100));
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.error().code(), ErrorCode::kDeadline);
}

TEST_P(Stream, AKilledPeerEndsTheReceive) {
  auto receiving = driver_.start(session_->receive(payload_, Duration(20'000)));
  driver_.settle();
  peer_->reset();
  const auto kind = driver_.wait(receiving);
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.error().code(), ErrorCode::kNetwork);
}

asio::awaitable<Status> send_until_failure(net::Session& session) {
  const Bytes piece(1 << 20);
  for (int i = 0; i < 1000; ++i) {
    auto sent = co_await session.send(FrameKind::kChunk, piece, {});
    if (!sent) co_return sent;
  }
  co_return Status();
}

TEST_P(Stream, AKilledPeerEndsTheSend) {
  auto sending = driver_.start(send_until_failure(*session_));
  driver_.settle();
  EXPECT_FALSE(sending->has_value());
  peer_->reset();
  const auto sent = driver_.wait(sending);
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code(), ErrorCode::kNetwork) << sent.error().message();
}

TEST_P(Stream, AFrozenPeerEndsTheSendAfterItsPatience) {
  session_->set_send_patience(Duration(80));
  const auto sent = driver_.wait(send_until_failure(*session_));
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code(), ErrorCode::kDeadline);
}

TEST_P(Stream, BadHeadersAreRefusedBeforeAnythingIsAllocated) {
  struct {
    Bytes header;
    const char* says;
  } const table[] = {
      {raw_header((64u << 20) + 1, 1, 1), "over the limit of 67108864"},
      {raw_header((8u << 20) + 17, 2, 1), "over the limit of 8388624"},
      {raw_header(0xffffffff, 1, 1), "length 4294967295 is over"},
      {raw_header(1, 0, 1), "unknown kind 0"},
      {raw_header(1, 3, 1), "unknown kind 3"},
      {raw_header(1, 1, 2), "protocol version 2, this program speaks 1"},
      {raw_header(1, 1, 0), "protocol version 0"},
      {raw_header(1, 1, 1, 1, 0), "reserved bytes are not zero"},
      {raw_header(1, 1, 1, 0, 1), "reserved bytes are not zero"},
  };
  for (const auto& row : table) {
    write(row.header);
    const auto kind = receive();
    ASSERT_FALSE(kind.ok());
    EXPECT_EQ(kind.error().code(), ErrorCode::kProtocol);
    EXPECT_NE(kind.error().message().find(row.says), std::string::npos) << kind.error().message();
  }
  EXPECT_EQ(payload_.capacity(), 0u);
}

// Two frames that arrive together, in one TLS record: who is closed after the first is not heard
// any more.
TEST_P(Stream, NothingIsReceivedAfterClosing) {
  const auto header = wire::encode(wire::FrameHeader{3, FrameKind::kControl});
  Bytes two;
  for (int i = 0; i < 2; ++i) {
    two.insert(two.end(), header.begin(), header.end());
    two.resize(two.size() + 3);
  }
  write(two);
  ASSERT_TRUE(receive().ok());
  session_->close();
  const auto after = receive();
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code(), ErrorCode::kNetwork);
}

TEST_P(Stream, MemoryFollowsWhatArrivesNotWhatAHeaderClaims) {
  write(raw_header(64u << 20, 1, 1));
  write(Bytes(10));
  auto receiving = driver_.start(session_->receive(payload_, Duration(20'000)));
  driver_.settle();
  EXPECT_LE(payload_.capacity(), 4u << 20);
  peer_->reset();
  EXPECT_FALSE(driver_.wait(receiving).ok());
}

TEST_P(Stream, ALargeControlFrameIsReceivedPieceByPiece) {
  constexpr size_t kSize = (21u << 20) + 3;
  Bytes body(kSize);
  for (size_t i = 0; i < kSize; ++i) body[i] = static_cast<std::byte>(i * 2654435761u >> 24);
  auto frame = raw_header(kSize, 1, 1);
  frame.insert(frame.end(), body.begin(), body.end());
  for (int turn = 0; turn < 2; ++turn) {
    auto writing = driver_.start(peer_->write(frame));
    ASSERT_TRUE(receive().ok());
    EXPECT_TRUE(payload_ == body);
    EXPECT_TRUE(driver_.wait(writing));
    payload_.resize(turn == 0 ? 5 : payload_.size());
  }
}

}  // namespace
}  // namespace atl
