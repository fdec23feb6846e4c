// Everybody who is not let in goes through deny(): one audit line, one count, one reason, whatever
// it was that stopped them.
#include "server/admission/denial.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/net/memory_transport.h"
#include "tests/support/raw_peer.h"
#include "tests/support/secured_server.h"

namespace atl {
namespace {

using namespace server;
using wire::Reason;

class Denials : public testing::SecuredServer {
 protected:
  // Says something first, and hears why not.
  wire::Refused refusal(net::Session& link, const wire::Message& first) {
    const auto refused = ask<wire::Refused>(link, first);
    EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(link))) << "the connection goes on";
    return refused;
  }
  // That one denial of this cause, and nothing else, was counted and audited.
  void expect_one(Denial cause, const std::string& client, const std::string& event = "refused") {
    ASSERT_TRUE(until([&] { return !audit_.entries.empty(); }));
    driver_.settle();
    for (size_t i = 0; i < kDenials; ++i)
      EXPECT_EQ(denied(static_cast<Denial>(i)), static_cast<Denial>(i) == cause ? 1u : 0u)
          << to_string(static_cast<Denial>(i));
    ASSERT_EQ(audit_.said(),
              std::vector<std::string>{event + " " + client + " " + std::string(to_string(cause))});
    EXPECT_EQ(audit_.entries[0].peer.rfind("127.0.0.1:", 0), 0u);
    EXPECT_FALSE(audit_.entries[0].text.empty());
    EXPECT_TRUE(server_->context().registry.members().empty());
  }
  wire::Enrol request(const std::string& name) {
    const auto token = issue_token(folder_, name, std::chrono::seconds(60)).value();
    return {token, net::make_key_and_request(name).value().request_pem};
  }
};

TEST_F(Denials, NoTls) {
  start();
  testing::RawPeer raw(driver_.executor(), nullptr);
  ASSERT_EQ(driver_.wait(raw.connect(listener_->address())), "");
  const std::string http = "GET / HTTP/1.1\r\n\r\n";
  const auto bytes = as_bytes(http);
  ASSERT_TRUE(driver_.wait(raw.write(Bytes(bytes.begin(), bytes.end()))));
  (void)driver_.wait(raw.read_to_end());
  expect_one(Denial::kHandshake, "?");
}

TEST_F(Denials, Silence) {
  start();
  testing::RawPeer raw(driver_.executor(), nullptr);
  ASSERT_EQ(driver_.wait(raw.connect(listener_->address())), "");
  (void)driver_.wait(raw.read_to_end());
  expect_one(Denial::kHandshake, "?");
  EXPECT_NE(audit_.entries[0].text.find("no handshake within"), std::string::npos);
}

TEST_F(Denials, AForeignCertificate) {
  const auto foreign = net::create_authority("Other", now(), std::chrono::hours(1)).value();
  const auto made = net::make_key_and_request("mallory").value();
  keep("mallory", made.key_pem,
       net::sign_client_request(foreign, made.request_pem, "mallory", now(), std::chrono::hours(1))
           .value());
  start();
  EXPECT_NE(std::get<wire::Bye>(hear(connect("mallory"))).text.find("does not know the authority"),
            std::string::npos);
  // The name in a certificate that anybody can make is nobody's name.
  expect_one(Denial::kHandshake, "?");
  EXPECT_EQ(audit_.entries[0].serial, "");
}

TEST_F(Denials, AnExpiredCertificate) {
  const auto info = certify("old", now() - std::chrono::hours(24 * 365), std::chrono::hours(1));
  start();
  EXPECT_NE(std::get<wire::Bye>(hear(connect("old"))).text.find("has expired"), std::string::npos);
  expect_one(Denial::kExpired, "old");
  EXPECT_EQ(audit_.entries[0].serial, info.serial);
}

TEST_F(Denials, ARevokedCertificate) {
  const auto info = enrol("a");
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  start();
  EXPECT_NE(std::get<wire::Bye>(hear(connect("a"))).text.find("revoked"), std::string::npos);
  expect_one(Denial::kRevoked, "a");
  EXPECT_EQ(audit_.entries[0].serial, info.serial);
}

// Revoked after the handshake, before the first message.
TEST_F(Denials, ACertificateRevokedMeanwhile) {
  enrol("a");
  start();
  auto& link = connect("a");
  settle();
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_EQ(refusal(link, hello("a")).reason, Reason::kUnauthenticated);
  expect_one(Denial::kRevoked, "a");
}

TEST_F(Denials, NoCertificate) {
  start();
  EXPECT_EQ(refusal(connect(""), hello("a")).reason, Reason::kUnauthenticated);
  expect_one(Denial::kNoCertificate, "?");
}

TEST_F(Denials, NoCertificateWhateverIsSaid) {
  start();
  EXPECT_EQ(refusal(connect(""), wire::NextTask{}).reason, Reason::kUnauthenticated);
  expect_one(Denial::kNoCertificate, "?");
}

TEST_F(Denials, AnotherName) {
  enrol("a");
  start();
  const auto refused = refusal(connect("a"), hello("b"));
  EXPECT_EQ(refused.reason, Reason::kWrongName);
  EXPECT_EQ(refused.text, "the certificate is for \"a\", not for \"b\"");
  expect_one(Denial::kWrongName, "a");
}

// Roles: a server's certificate of the same authority is no client's.
TEST_F(Denials, TheServersOwnCertificate) {
  std::filesystem::copy(folder_.certificate(), file("server.pem"));
  std::filesystem::copy(folder_.key(), file("server.key"));
  start();
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(connect("server"))));
  expect_one(Denial::kHandshake, "?");
}

TEST_F(Denials, WhoIsNotOnTheListAtHello) {
  enrol("hospital-a");
  enrol("site-b");
  admission_.allow = {"hospital-*"};
  start();
  const auto refused = refusal(connect("site-b"), hello("site-b"));
  EXPECT_EQ(refused.reason, Reason::kNotAllowed);
  EXPECT_NE(refused.text.find("site-b"), std::string::npos);
  expect_one(Denial::kNotAllowed, "site-b");
  join("hospital-a");
}

TEST_F(Denials, WhoIsNotOnTheListAtTheDesk) {
  admission_.allow = {"hospital-*", "site-a"};
  start();
  EXPECT_EQ(refusal(connect(""), request("site-b")).reason, Reason::kNotAllowed);
  expect_one(Denial::kNotAllowed, "?", "enrolment_refused");
  EXPECT_FALSE(exists(folder_.client("site-b")));
  ask<wire::Enrolled>(connect(""), request("site-a"));
}

TEST_F(Denials, WhoIsNotOnTheListAtRenewal) {
  enrol("site-b");
  admission_.allow = {"site-a"};
  start();
  EXPECT_EQ(refusal(connect("site-b"), wire::Renew{"csr"}).reason, Reason::kNotAllowed);
  expect_one(Denial::kNotAllowed, "site-b");
}

// Guessing tokens stops; a client with a certificate comes from the same address as before.
TEST_F(Denials, WhoFailsTooOften) {
  enrol("a");
  admission_.failed_attempts = 3;
  admission_.failed_attempts_a_minute = 1;
  start();
  auto& early = connect("a");
  auto& late = connect("");
  settle();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(refusal(connect(""), wire::Enrol{"x", "y"}).reason, Reason::kBadToken);
  EXPECT_EQ(refusal(late, wire::Enrol{"x", "y"}).reason, Reason::kBusy);
  EXPECT_EQ(denied(Denial::kTooOften), 1u);
  ask<wire::Welcome>(early, hello("a"));
  // From now on there is not even a handshake.
  EXPECT_FALSE(try_connect("").ok());
  EXPECT_EQ(denied(Denial::kTooOften), 2u);
  EXPECT_EQ(denied(Denial::kBadToken), 3u);
  EXPECT_EQ(audit_.said().back(), "refused ? too_often");
}

TEST_F(Denials, GoodClientsAreNeverTooMany) {
  enrol("a");
  admission_.failed_attempts = 1;
  admission_.failed_attempts_a_minute = 1;
  start();
  for (int i = 0; i < 50; ++i) join("a");
  EXPECT_EQ(denied(Denial::kTooOften), 0u);
}

TEST_F(Denials, ABadToken) {
  start();
  auto enrol = request("a");
  enrol.token[8] = enrol.token[8] == 'A' ? 'B' : 'A';
  EXPECT_EQ(refusal(connect(""), enrol).reason, Reason::kBadToken);
  expect_one(Denial::kBadToken, "?", "enrolment_refused");
}

TEST_F(Denials, ATokenThatIsNone) {
  start();
  EXPECT_EQ(refusal(connect(""), wire::Enrol{"x", "y"}).reason, Reason::kBadToken);
  expect_one(Denial::kBadToken, "?", "enrolment_refused");
}

TEST_F(Denials, ABadRequest) {
  start();
  auto enrol = request("a");
  enrol.csr_pem = net::make_key_and_request("b").value().request_pem;
  EXPECT_EQ(refusal(connect(""), enrol).reason, Reason::kBadRequest);
  expect_one(Denial::kBadRequest, "?", "enrolment_refused");
}

// The server's own trouble is nobody's fault: no denial, and the client is told to come back.
TEST_F(Denials, AServerThatCannotSignDeniesNobody) {
  start();
  const auto enrol = request("a");
  ASSERT_TRUE(write_atomic(folder_.tokens(), "[]").ok());
  EXPECT_EQ(refusal(connect(""), enrol).reason, Reason::kServerError);
  for (const auto times : server_->context().admission.denied) EXPECT_EQ(times, 0u);
}

TEST_F(Denials, AreInTheStatus) {
  enrol("a");
  start();
  refusal(connect("a"), hello("b"));
  refusal(connect("a"), hello("c"));
  join("a");
  EXPECT_NE(read_text(folder_.run() + "/status.json").value().find("\"wrong_name\": 2"),
            std::string::npos);
}

TEST(Denial, EveryCauseHasAWordAndAReason) {
  std::set<std::string_view> words;
  for (size_t i = 0; i < kDenials; ++i) {
    const auto cause = static_cast<Denial>(i);
    words.insert(to_string(cause));
    EXPECT_NE(reason_of(cause), Reason::kNone);
  }
  EXPECT_EQ(words.size(), kDenials);
  EXPECT_EQ(reason_of(Denial::kNotAllowed), Reason::kNotAllowed);
  EXPECT_EQ(reason_of(Denial::kTooOften), Reason::kBusy);
  EXPECT_EQ(static_cast<int>(reason_of(Denial::kNotAllowed)), 17);
  EXPECT_EQ(static_cast<int>(reason_of(Denial::kExpired)), 18);
}

}  // namespace
}  // namespace atl
