// Who gets past the handshake, in both directions, and what those who do not are told.
#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>
#include <set>

#include "common/net/tls_transport.h"
#include "tests/support/driver.h"
#include "tests/support/identities.h"
#include "tests/support/raw_peer.h"

namespace atl {
namespace {

using net::Duration;
using testing::Driver;
using testing::Identities;
using testing::RawPeer;

// Handshakes are made on the listener's executor, and on a thread beside it.
class Tls : public ::testing::TestWithParam<bool> {
 protected:
  Tls() { ours_.add_client("a"); }
  ~Tls() override {
    if (listener_ != nullptr) listener_->close();
    driver_.settle();
    aside_.join();
  }

  void listen() { listen(ours_.server()); }
  void listen(net::TlsServer options, const std::string& address = "127.0.0.1:0") {
    if (GetParam()) options.aside = aside_.get_executor();
    listener_ = net::listen_tls(driver_.executor(), address, options).value();
  }
  Result<std::unique_ptr<net::Session>> connect(const net::TlsClient& options,
                                                const std::string& host = "127.0.0.1") {
    const auto port = net::parse_address(listener_->address()).value().port;
    auto connector = net::make_tls_connector(driver_.executor(), host + ":" + port, options);
    if (!connector) return std::move(connector).error();
    auto held = std::move(connector).value();
    return driver_.wait(held->connect());
  }

  // In TLS 1.3 a client learns what the server thinks of its certificate with the first bytes.
  Error verdict(const net::TlsClient& options) {
    auto session = connect(options);
    if (!session) return std::move(session).error();
    Bytes payload;
    auto kind = driver_.wait((*session)->receive(payload, Duration(20'000)));
    return kind ? Error(ErrorCode::kInternal, "it was let in") : std::move(kind).error();
  }

  // The next session the server accepts is the good client's: whoever came before was not let in.
  void expect_nobody_else() {
    auto accepting = driver_.start(listener_->accept());
    auto good = connect(ours_.client("a"));
    ASSERT_TRUE(good.ok()) << good.error().message();
    auto accepted = driver_.wait(accepting).value();
    EXPECT_EQ(accepted->peer().name, "a");
    EXPECT_TRUE(accepted->peer().authenticated);
  }

  Driver driver_;
  asio::thread_pool aside_{1};
  Identities ours_, theirs_;
  std::shared_ptr<net::Listener> listener_;
};

INSTANTIATE_TEST_SUITE_P(Handshakes, Tls, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Aside" : "Inline");
});

TEST_P(Tls, BothSidesKnowEachOther) {
  listen();
  auto accepting = driver_.start(listener_->accept());
  auto client = connect(ours_.client("a")).value();
  auto server = driver_.wait(accepting).value();
  EXPECT_EQ(server->peer().name, "a");
  EXPECT_EQ(server->peer().serial,
            net::certificate_info(read_text(ours_.file("a.pem")).value()).value().serial);
  EXPECT_TRUE(server->peer().authenticated);
  EXPECT_EQ(server->peer().address.rfind("127.0.0.1:", 0), 0u);
  EXPECT_TRUE(client->peer().authenticated);
  EXPECT_EQ(client->peer().name, "localhost");
}

TEST_P(Tls, WithoutACertificateAPeerIsNotAuthenticated) {
  listen();
  auto accepting = driver_.start(listener_->accept());
  auto client = connect(ours_.client("")).value();
  auto server = driver_.wait(accepting).value();
  EXPECT_FALSE(server->peer().authenticated);
  EXPECT_EQ(server->peer().name, "");
  EXPECT_EQ(server->peer().serial, "");
}

TEST_P(Tls, ACertificateOfAForeignAuthorityIsRefused) {
  listen();
  theirs_.add_client("mallory");
  auto options = ours_.client("");
  options.certificate_file = theirs_.file("mallory.pem");
  options.key_file = theirs_.file("mallory.key");
  const auto error = verdict(options);
  EXPECT_EQ(error.code(), ErrorCode::kIdentity) << error.message();
  EXPECT_NE(error.message().find("does not know the authority"), std::string::npos)
      << error.message();
  expect_nobody_else();
}

TEST_P(Tls, AnExpiredCertificateIsRefused) {
  listen();
  ours_.add_client("old", Identities::now() - Identities::years(), std::chrono::hours(1));
  const auto error = verdict(ours_.client("old"));
  EXPECT_EQ(error.code(), ErrorCode::kIdentity);
  EXPECT_NE(error.message().find("has expired"), std::string::npos) << error.message();
  expect_nobody_else();
}

TEST_P(Tls, ACertificateFromTheFutureIsRefused) {
  listen();
  ours_.add_client("early", Identities::now() + std::chrono::hours(24));
  EXPECT_EQ(verdict(ours_.client("early")).code(), ErrorCode::kIdentity);
  expect_nobody_else();
}

TEST_P(Tls, ARevokedCertificateIsRefusedFromTheNextHandshakeOn) {
  std::set<std::string> revoked;
  auto options = ours_.server();
  options.revoked = [&revoked](const std::string& serial) { return revoked.count(serial) != 0; };
  listen(options);
  const auto info = ours_.add_client("b");
  {
    auto accepting = driver_.start(listener_->accept());
    auto before = connect(ours_.client("b"));
    ASSERT_TRUE(before.ok());
    EXPECT_EQ(driver_.wait(accepting).value()->peer().name, "b");
  }
  revoked.insert(info.serial);
  const auto error = verdict(ours_.client("b"));
  EXPECT_EQ(error.code(), ErrorCode::kIdentity);
  EXPECT_NE(error.message().find("revoked"), std::string::npos) << error.message();
  expect_nobody_else();
}

// Certificates are good for one side only.
TEST_P(Tls, AServersCertificateIsNoClients) {
  listen();
  auto options = ours_.client("");
  options.certificate_file = ours_.file("server.pem");
  options.key_file = ours_.file("server.key");
  EXPECT_EQ(verdict(options).code(), ErrorCode::kIdentity);
  expect_nobody_else();
}

TEST_P(Tls, AClientsCertificateIsNoServers) {
  auto options = ours_.server();
  options.certificate_file = ours_.file("a.pem");
  options.key_file = ours_.file("a.key");
  listen(options);
  const auto refused = connect(ours_.client("a"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIdentity);
}

TEST_P(Tls, AClientDoesNotTalkToAServerOfAnotherAuthority) {
  listen(theirs_.server());
  const auto refused = connect(ours_.client("a"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIdentity);
  EXPECT_NE(refused.error().message().find("cannot be trusted"), std::string::npos);
  EXPECT_FALSE(refused.error().hint().empty());
}

TEST_P(Tls, TheServersCertificateMustNameTheHost) {
  Identities named({"fl.example.org", "10.1.2.3"});
  named.add_client("a");
  listen(named.server(), "127.0.0.2:0");
  const auto refused = connect(named.client("a"), "127.0.0.2");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIdentity) << refused.error().message();
  EXPECT_NE(refused.error().hint().find("127.0.0.2"), std::string::npos);
}

TEST_P(Tls, OlderThanTls13IsRefused) {
  listen();
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(context->native_handle(), TLS1_2_VERSION);
  RawPeer peer(driver_.executor(), context);
  EXPECT_NE(driver_.wait(peer.connect(listener_->address())), "");
  expect_nobody_else();
}

TEST_P(Tls, EnrollingChecksTheFingerprintOfTheToken) {
  listen();
  net::TlsClient options;
  options.pinned_authority =
      net::certificate_info(ours_.authority().certificate_pem).value().fingerprint;
  auto accepting = driver_.start(listener_->accept());
  auto good = connect(options);
  ASSERT_TRUE(good.ok()) << good.error().message();
  EXPECT_FALSE(driver_.wait(accepting).value()->peer().authenticated);

  options.pinned_authority =
      net::certificate_info(theirs_.authority().certificate_pem).value().fingerprint;
  const auto refused = connect(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIdentity);
  EXPECT_NE(refused.error().message().find("not the server of the token"), std::string::npos);
}

// A man in the middle may show the right authority's certificate behind a leaf of his own.
TEST_P(Tls, EnrollingChecksThatTheLeafIsTheAuthoritys) {
  theirs_.save("server.pem",
               read_text(theirs_.file("server.pem")).value() + ours_.authority().certificate_pem);
  listen(theirs_.server());
  net::TlsClient options;
  options.pinned_authority =
      net::certificate_info(ours_.authority().certificate_pem).value().fingerprint;
  const auto refused = connect(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIdentity);
}

// Nor may a client of the same federation pose as its server.
TEST_P(Tls, EnrollingRefusesAClientAsServerAndAnotherHost) {
  ours_.save("a-chain.pem",
             read_text(ours_.file("a.pem")).value() + ours_.authority().certificate_pem);
  auto server = ours_.server();
  server.certificate_file = ours_.file("a-chain.pem");
  server.key_file = ours_.file("a.key");
  listen(server);
  net::TlsClient options;
  options.pinned_authority =
      net::certificate_info(ours_.authority().certificate_pem).value().fingerprint;
  EXPECT_EQ(connect(options).error().code(), ErrorCode::kIdentity);
  listener_->close();

  listen(ours_.server(), "127.0.0.2:0");
  const auto refused = connect(options, "127.0.0.2");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("does not name 127.0.0.2"), std::string::npos);
}

TEST_P(Tls, ASilentPeerIsPutOutAfterTheHandshakeLimitAndDelaysNobody) {
  auto options = ours_.server();
  options.handshake_limit = Duration(700);
  listen(options);
  RawPeer silent(driver_.executor(), nullptr);
  EXPECT_EQ(driver_.wait(silent.connect(listener_->address())), "");
  const auto begun = std::chrono::steady_clock::now();
  expect_nobody_else();
  EXPECT_NE(driver_.wait(silent.read_to_end()), "");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, Duration(15'000));
}

// Silent peers cannot take all places: the oldest of them goes for the next one.
TEST_P(Tls, TooManyHandshakesPutTheOldestOut) {
  auto options = ours_.server();
  options.handshake_limit = std::chrono::minutes(10);
  options.most_handshakes = 3;
  listen(options);
  std::vector<std::unique_ptr<RawPeer>> silent;
  std::vector<Driver::Pending<std::string>> ended;
  for (int i = 0; i < 5; ++i) {
    silent.push_back(std::make_unique<RawPeer>(driver_.executor(), nullptr));
    ASSERT_EQ(driver_.wait(silent.back()->connect(listener_->address())), "");
    ended.push_back(driver_.start(silent.back()->read_to_end()));
  }
  (void)driver_.wait(ended[0]);
  (void)driver_.wait(ended[1]);
  driver_.settle();
  for (int i = 2; i < 5; ++i) EXPECT_FALSE(ended[i]->has_value()) << i;
  expect_nobody_else();  // takes the place of one more
  (void)driver_.wait(ended[2]);
  driver_.settle();
  EXPECT_FALSE(ended[3]->has_value());
  for (auto& peer : silent) peer->reset();
  (void)driver_.wait(ended[4]);
}

TEST_P(Tls, AServerThatDoesNotSpeakTlsIsNamed) {
  listener_ = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
  auto options = ours_.client("a");
  options.connect_limit = Duration(150);
  const auto silent = connect(options);
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error().code(), ErrorCode::kNetwork);
  EXPECT_NE(silent.error().message().find("no answer within 150 ms"), std::string::npos)
      << silent.error().message();
}

// docs/tls.md explains what a person reads: the words must be those that are said.
TEST_P(Tls, TheGuideHasTheWordsThatAreSaid) {
  const auto guide = read_text(std::string(ATOLL_GOLDEN) + "/../../docs/tls.md").value();
  const auto expect = [&guide](const Error& error, const std::string& words) {
    EXPECT_NE(error.message().find(words), std::string::npos) << error.message();
    EXPECT_NE(guide.find(words), std::string::npos) << "docs/tls.md lacks: " << words;
  };
  std::string revoked;
  auto options = ours_.server();
  options.revoked = [&revoked](const std::string& serial) { return serial == revoked; };
  listen(options);
  theirs_.add_client("mallory");
  auto foreign = ours_.client("");
  foreign.certificate_file = theirs_.file("mallory.pem");
  foreign.key_file = theirs_.file("mallory.key");
  expect(verdict(foreign), "does not know the authority of this certificate");
  ours_.add_client("old", Identities::now() - Identities::years(), std::chrono::hours(1));
  expect(verdict(ours_.client("old")), "says that this certificate has expired");
  ours_.add_client("early", Identities::now() + std::chrono::hours(24));
  expect(verdict(ours_.client("early")), "does not accept this certificate");
  revoked = ours_.add_client("b").serial;
  expect(verdict(ours_.client("b")), "says that this certificate is revoked");
  expect(connect(theirs_.client("mallory")).error(), "cannot be trusted: ");
  net::TlsClient enrolling;
  enrolling.pinned_authority =
      net::certificate_info(theirs_.authority().certificate_pem).value().fingerprint;
  expect(connect(enrolling).error(), "this is not the server of the token");
  const auto address = listener_->address();
  listener_->close();
  driver_.settle();
  auto connector = net::make_tls_connector(driver_.executor(), address, ours_.client("a")).value();
  expect(driver_.wait(connector->connect()).error(), "nobody listens there");
}

TEST_P(Tls, ATakenPortHasItsOwnCode) {
  listen();
  const auto taken = net::listen_tls(driver_.executor(), listener_->address(), ours_.server());
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code(), ErrorCode::kAddressInUse);
  EXPECT_FALSE(taken.error().hint().empty());
}

TEST_P(Tls, BadKeyFilesAreNamed) {
  auto options = ours_.server();
  options.key_file = ours_.file("a.key");  // of another certificate
  auto mismatch = net::listen_tls(driver_.executor(), "127.0.0.1:0", options);
  ASSERT_FALSE(mismatch.ok());
  EXPECT_EQ(mismatch.error().code(), ErrorCode::kIdentity);
  EXPECT_NE(mismatch.error().message().find("a.key"), std::string::npos);
  options = ours_.server();
  options.authority_file = ours_.file("none.pem");
  EXPECT_EQ(net::listen_tls(driver_.executor(), "127.0.0.1:0", options).error().code(),
            ErrorCode::kIdentity);
}

TEST_P(Tls, NobodyListensIsSaid) {
  listen();
  const auto address = listener_->address();
  listener_->close();
  driver_.settle();
  auto connector = net::make_tls_connector(driver_.executor(), address, ours_.client("a")).value();
  const auto refused = driver_.wait(connector->connect());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kNetwork);
  EXPECT_NE(refused.error().message().find("nobody listens there"), std::string::npos);
}

TEST(Insecure, IsForLoopbackOnly) {
  Driver driver;
  const auto open = net::listen_plain(driver.executor(), "0.0.0.0:0");
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.error().code(), ErrorCode::kUsage);
  EXPECT_NE(open.error().message().find("loopback only"), std::string::npos);
  EXPECT_EQ(net::make_plain_connector(driver.executor(), "192.0.2.1:80").error().code(),
            ErrorCode::kUsage);
  auto listener = net::listen_plain(driver.executor(), "127.0.0.1:0").value();
  EXPECT_NE(listener->address(), "127.0.0.1:0");
  listener->close();
}

TEST(Address, Parses) {
  const auto good = net::parse_address("fl.example.org:7070").value();
  EXPECT_EQ(good.host + "|" + good.port, "fl.example.org|7070");
  EXPECT_EQ(net::parse_address("[::1]:7").value().host, "::1");
  for (const char* bad : {"", "host", "host:", ":7070", "host:port", "host:70000", "host:-1",
                          "::1:7070", "[::1]", "host:7070x", "host:123456"})
    EXPECT_EQ(net::parse_address(bad).error().code(), ErrorCode::kUsage) << bad;
}

}  // namespace
}  // namespace atl
