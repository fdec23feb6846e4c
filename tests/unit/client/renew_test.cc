// Certificates that run out, or whose answer got lost: client and server over TLS, no operator.
#include "client/renew.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/secured_server.h"

namespace atl {
namespace {

using namespace server;
using client::ClientFolder;
using std::chrono::hours;
using std::chrono::minutes;
using wire::Reason;

constexpr hours kDay{24};

class Renewal : public testing::SecuredServer {
 protected:
  Renewal() {
    client_.path = temporary_.path() + "/client";
    admission_.client_lifetime = 90 * kDay;
  }
  Status enroll(const std::string& token) {
    return driver_.wait(client::enroll(client_, listener_->address(), token));
  }
  std::string token() { return issue_token(folder_, "a", minutes(10)).value(); }
  net::CertificateInfo held() {
    return net::certificate_info(read_text(client_.certificate()).value()).value();
  }
  // The client's certificate, and the server's record of it, are from another time.
  net::CertificateInfo age(net::WallTime from, hours lifetime) {
    const auto request = net::make_request(read_text(client_.key()).value(), "a").value();
    const auto pem = net::sign_client_request(authority(), request, "a", from, lifetime).value();
    EXPECT_TRUE(write_atomic(client_.certificate(), pem).ok());
    EXPECT_TRUE(write_atomic(folder_.client("a"), pem).ok());
    return held();
  }
  Status renew() { return driver_.wait(client::renew(client_, listener_->address())); }
  Result<std::unique_ptr<net::Session>> connect_as_client() {
    const auto say = [this](const std::string& text) { said_ += text + "\n"; };
    connector_ = client::make_renewing_connector(driver_.executor(), client_, listener_->address(),
                                                 say, [this] { return now() + ahead_; });
    return driver_.wait(connector_->connect());
  }
  // What a server says to a hello on the connection that a client makes of itself.
  wire::Message greeting() {
    auto session = connect_as_client();
    if (!session) return wire::Bye{session.error().message()};
    links_.push_back(std::move(*session));
    say(*links_.back(), hello("a"));
    return hear(*links_.back());
  }
  size_t on_file() { return certificates_in(read_text(folder_.client("a")).value()).size(); }

  ClientFolder client_;
  hours ahead_{0};
  std::string said_;
  std::unique_ptr<net::Connector> connector_;
};

TEST_F(Renewal, IsDueInTheLastThirdOfTheLifeAndAfterIt) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  EXPECT_EQ(held().lifetime, 90 * kDay);
  const auto begin = now();
  EXPECT_FALSE(client::is_renewal_due(client_, begin).value());
  EXPECT_FALSE(client::is_renewal_due(client_, begin + 59 * kDay).value());
  EXPECT_TRUE(client::is_renewal_due(client_, begin + 60 * kDay + hours(1)).value());
  EXPECT_TRUE(client::is_renewal_due(client_, begin + 500 * kDay).value());
  std::filesystem::remove(client_.certificate());
  EXPECT_FALSE(client::is_renewal_due(client_, begin).ok());
}

TEST_F(Renewal, HappensByItselfBeforeTheEnd) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  const auto old = age(now() - 70 * kDay, 90 * kDay);
  audit_.entries.clear();
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
  const auto fresh = held();
  EXPECT_NE(fresh.serial, old.serial);
  EXPECT_EQ(fresh.key, old.key);
  EXPECT_EQ(fresh.common_name, "a");
  EXPECT_GT(fresh.not_after, now() + 89 * kDay);
  EXPECT_NE(said_.find("renewed"), std::string::npos);
  EXPECT_EQ(audit_.said(), std::vector<std::string>{"renewed a"});
  EXPECT_EQ(audit_.entries[0].serial, fresh.serial);
  EXPECT_EQ(on_file(), 2u) << "the old one could not be revoked any more";
  // And not once more.
  said_.clear();
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
  EXPECT_EQ(said_, "");
  EXPECT_EQ(held().serial, fresh.serial);
}

TEST_F(Renewal, IsAllThatAnExpiredCertificateIsGoodFor) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  const auto old = age(now() - 100 * kDay, 90 * kDay);
  std::filesystem::copy(client_.certificate(), file("a.pem"));
  std::filesystem::copy(client_.key(), file("a.key"));
  for (const wire::Message& first :
       {wire::Message(hello("a")), wire::Message(hello("b")), wire::Message(wire::NextTask{}),
        wire::Message(wire::Join{manifest()})}) {
    EXPECT_EQ(ask<wire::Refused>(connect("a"), first).reason, Reason::kExpired);
  }
  EXPECT_EQ(denied(Denial::kExpired), 4u);
  EXPECT_EQ(audit_.entries.back().client, "a");
  EXPECT_TRUE(server_->context().registry.members().empty());
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
  EXPECT_NE(held().serial, old.serial);
}

TEST_F(Renewal, EndsWithTheGrace) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  const auto old = age(now() - 120 * kDay - hours(1), 90 * kDay);
  const auto answer = greeting();
  ASSERT_TRUE(std::holds_alternative<wire::Bye>(answer));
  EXPECT_NE(std::get<wire::Bye>(answer).text.find("has expired"), std::string::npos);
  EXPECT_EQ(held().serial, old.serial);
  EXPECT_TRUE(until([this] { return denied(Denial::kExpired) == 1; }));
  age(now() - 120 * kDay + hours(1), 90 * kDay);
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
}

TEST_F(Renewal, IsNotForTheRevoked) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  age(now() - 70 * kDay, 90 * kDay);
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_EQ(renew().error().code(), ErrorCode::kIdentity);
  age(now() - 100 * kDay, 90 * kDay);  // expired besides
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  EXPECT_EQ(renew().error().code(), ErrorCode::kIdentity);
  EXPECT_EQ(on_file(), 1u);
  EXPECT_TRUE(until([this] { return denied(Denial::kRevoked) == 2; }));
}

TEST_F(Renewal, KeepsTheNameAndTheKey) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  age(now() - 70 * kDay, 90 * kDay);
  std::filesystem::copy(client_.certificate(), file("a.pem"));
  std::filesystem::copy(client_.key(), file("a.key"));
  const auto refused = [this](const std::string& csr) {
    return ask<wire::Refused>(connect("a"), wire::Renew{csr}).reason;
  };
  EXPECT_EQ(refused(net::make_key_and_request("a")->request_pem), Reason::kBadRequest);
  EXPECT_EQ(refused(net::make_request(read_text(client_.key()).value(), "b").value()),
            Reason::kBadRequest);
  EXPECT_EQ(refused("nothing"), Reason::kBadRequest);
  EXPECT_EQ(ask<wire::Refused>(connect(""), wire::Renew{"x"}).reason, Reason::kUnauthenticated);
  EXPECT_EQ(on_file(), 1u);
  // Nor is a certificate renewed that nobody could revoke by its client's name.
  std::filesystem::remove(folder_.client("a"));
  EXPECT_EQ(renew().error().code(), ErrorCode::kIdentity);
}

TEST_F(Renewal, AnAnswerThatWasLostIsTheSameAgain) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  age(now() - 70 * kDay, 90 * kDay);
  std::filesystem::copy(client_.certificate(), file("a.pem"));
  std::filesystem::copy(client_.key(), file("a.key"));
  const wire::Renew request{net::make_request(read_text(client_.key()).value(), "a").value()};
  const auto first = ask<wire::Enrolled>(connect("a"), request);
  EXPECT_EQ(ask<wire::Enrolled>(connect("a"), request), first);
  EXPECT_EQ(on_file(), 2u);
}

TEST_F(Renewal, TooEarlyGivesWhatThereIs) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  const auto before = held();
  ahead_ = 80 * kDay;  // the client's clock is wrong
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
  EXPECT_EQ(held().serial, before.serial);
  EXPECT_EQ(on_file(), 1u);
}

TEST_F(Renewal, ThatFailsKeepsTheOldCertificateAndTheConnection) {
  start();
  ASSERT_TRUE(enroll(token()).ok());
  const auto old = age(now() - 70 * kDay, 90 * kDay);
  const auto key = read_text(folder_.authority_key()).value();
  ASSERT_TRUE(write_atomic(folder_.authority_key(), "nothing").ok());
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
  EXPECT_NE(said_.find("not renewed yet"), std::string::npos);
  EXPECT_EQ(held().serial, old.serial);
  // With an expired one there is no connection, but it is worth trying again.
  ASSERT_TRUE(write_atomic(folder_.authority_key(), key).ok());
  age(now() - 100 * kDay, 90 * kDay);
  ASSERT_TRUE(write_atomic(folder_.authority_key(), "nothing").ok());
  EXPECT_EQ(connect_as_client().error().code(), ErrorCode::kNetwork);
  ASSERT_TRUE(write_atomic(folder_.authority_key(), key).ok());
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
}

class Enrolment : public Renewal {};

TEST_F(Enrolment, WhoseAnswerWasLostIsRepeatedWithTheSameToken) {
  start();
  const auto one = token();
  ASSERT_TRUE(enroll(one).ok());
  const auto first = held();
  // The client never saw the answer: its key is there, its certificate is not.
  std::filesystem::remove(client_.certificate());
  std::filesystem::remove(client_.authority());
  const auto again = enroll(one);
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(held().serial, first.serial);
  EXPECT_EQ(on_file(), 1u);
  EXPECT_EQ(audit_.entries.back().text, "the same certificate again");
  // Another key does not get one with it.
  std::filesystem::remove_all(client_.path);
  EXPECT_EQ(enroll(one).error().code(), ErrorCode::kIdentity);
  EXPECT_EQ(denied(Denial::kBadToken), 1u);
}

TEST_F(Enrolment, OfAServerThatDiedBeforeItSignedIsRepeated) {
  start();
  const auto one = token();
  ASSERT_TRUE(enroll(one).ok());
  std::filesystem::remove(client_.certificate());
  std::filesystem::remove(folder_.client("a"));
  ASSERT_TRUE(enroll(one).ok());
  EXPECT_EQ(on_file(), 1u);
}

TEST_F(Enrolment, OfTheRevokedBringsNothingBack) {
  start();
  const auto one = token();
  ASSERT_TRUE(enroll(one).ok());
  ASSERT_TRUE(revoke_client(folder_, "a").ok());
  std::filesystem::remove(client_.certificate());
  const auto again = enroll(one);  // though an answer that was lost would be given again
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message().find("was withdrawn"), std::string::npos)
      << again.error().message();
  // A new token does, with a new certificate though the key is the same.
  ASSERT_TRUE(enroll(token()).ok());
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(greeting()));
}

}  // namespace
}  // namespace atl
