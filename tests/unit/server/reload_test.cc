// A running server takes over what may change in server.toml, all of it or nothing.
#include "server/admin/reload.h"
#include "tests/support/secured_server.h"

namespace atl {
namespace {

using namespace server;

constexpr std::chrono::hours kYear{24 * 365};

class Reload : public testing::SecuredServer {
 protected:
  Reload() {
    for (const char* name : {"a", "b"}) enrol(name);
    edit("rounds = 10\n", "rounds = 1000\n");
    file_ = read_server_file(folder_.config()).value();
    config_ = file_.run;
    admission_ = file_.admission;
    start();
  }
  void edit(const std::string& from, const std::string& to) {
    auto text = read_text(folder_.config()).value();
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    ASSERT_TRUE(write_atomic(folder_.config(), text.replace(at, from.size(), to)).ok());
  }
  Result<std::string> reload() {
    ATOLL_ASSIGN(const auto lines,
                 server::reload(folder_, file_, server_->context(), *secured_, *listener_));
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }
  std::string serial_shown(const std::string& name) { return connect(name).peer().serial; }
  // A certificate for this server, of this or another authority.
  void certify_server(const net::KeyAndCertificate& from, net::WallTime since,
                      std::chrono::hours validity) {
    const auto made = net::issue_server_certificate(from, {}, since, validity).value();
    ASSERT_TRUE(write_atomic(folder_.key(), made.key_pem).ok());
    ASSERT_TRUE(
        write_atomic(folder_.certificate(), made.certificate_pem + from.certificate_pem).ok());
  }
  ServerFile file_;
};

TEST_F(Reload, WhoIsNotAllowedAnyMoreIsCutOffAndStaysOut) {
  auto& a = join("a");
  auto& b = join("b");
  edit("allow = [] ", "allow = [\"b\"] ");
  const auto said = reload();
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_NE(said->find("[admission] allow: everybody -> b\n"), std::string::npos) << *said;
  EXPECT_TRUE(std::holds_alternative<wire::Bye>(hear(a)));
  EXPECT_EQ(server_->context().registry.members().at("a").session, nullptr);
  EXPECT_EQ(denied(Denial::kNotAllowed), 1u);
  EXPECT_EQ(ask<wire::Task>(b, wire::NextTask{}).kind, wire::TaskKind::kInitialize);
  EXPECT_EQ(ask<wire::Refused>(connect("a"), hello("a")).reason, wire::Reason::kNotAllowed);
  // And back.
  edit("allow = [\"b\"] ", "allow = [] ");
  ASSERT_TRUE(reload().ok());
  join("a");
}

TEST_F(Reload, AnotherRunIsRefusedWithAllThatCameAlong) {
  auto& a = join("a");
  edit("allow = [] ", "allow = [\"b\"] ");
  edit("learning_rate = 0.1", "learning_rate = 0.2");
  const auto said = reload();
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code(), ErrorCode::kConfig);
  EXPECT_NE(said.error().message().find("served: train.learning_rate: 0.1 -> 0.2"),
            std::string::npos)
      << said.error().message();
  EXPECT_TRUE(server_->context().admission.allow.empty());
  EXPECT_TRUE(file_.admission.allow.empty());
  EXPECT_EQ(ask<wire::Task>(a, wire::NextTask{}).kind, wire::TaskKind::kInitialize);
}

TEST_F(Reload, AMistakeInTheFileIsNamedAndNothingChanges) {
  edit("allow = [] ", "alow = [\"b\"] ");
  const auto said = reload();
  ASSERT_FALSE(said.ok());
  EXPECT_NE(said.error().message().find("alow"), std::string::npos);
  EXPECT_TRUE(server_->context().admission.allow.empty());
}

TEST_F(Reload, LimitsAndLifetimesHoldFromNowOn) {
  edit("client_days = 365 ", "client_days = 10 ");
  edit("quarantine_after = 3 ", "quarantine_after = 7 ");
  const auto said = reload();
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_NE(said->find("[identity] client_days: 365 -> 10\n"), std::string::npos) << *said;
  EXPECT_NE(said->find("[admission] quarantine_after: 3 -> 7\n"), std::string::npos) << *said;
  EXPECT_EQ(server_->context().config.quarantine_after, 7u);
  const auto token = issue_token(folder_, "c", std::chrono::seconds(60)).value();
  const auto made = net::make_key_and_request("c").value();
  const auto signed_ = server_->context().enrolment->enrol({token, made.request_pem}).value();
  const auto info = net::certificate_info(signed_.answer.certificate_pem).value();
  EXPECT_LT(info.lifetime, std::chrono::hours(24 * 11));
  // What has not changed is not told again.
  EXPECT_EQ(reload()->find("->"), std::string::npos);
}

TEST_F(Reload, WhatNeedsAStartIsToldEachTime) {
  edit("address = \"127.0.0.1:7171\"", "address = \"127.0.0.1:7172\"");
  for (int time = 0; time < 2; ++time)
    EXPECT_NE(reload()->find("[listen] address: at the next start\n"), std::string::npos);
}

TEST_F(Reload, HandshakesShowTheNewCertificateAndSessionsGoOn) {
  auto& a = join("a");
  const auto before = serial_shown("b");
  certify_server(authority(), now(), kYear);
  ASSERT_TRUE(reload().ok());
  const auto after = serial_shown("b");
  EXPECT_NE(before, after);
  EXPECT_EQ(after,
            net::certificate_info(certificates_in(read_text(folder_.certificate()).value())[0])
                .value()
                .serial);
  EXPECT_EQ(ask<wire::Task>(a, wire::NextTask{}).kind, wire::TaskKind::kInitialize);
}

TEST_F(Reload, ACertificateThatCannotBeUsedLeavesTheOldOne) {
  const auto before = serial_shown("b");
  const auto key = read_text(folder_.key()).value();
  certify_server(authority(), now(), kYear);
  ASSERT_TRUE(write_atomic(folder_.key(), key).ok());  // the key of another certificate
  auto said = reload();
  ASSERT_FALSE(said.ok());
  EXPECT_EQ(said.error().code(), ErrorCode::kIdentity);
  EXPECT_EQ(serial_shown("b"), before);
  certify_server(authority(), now() - 2 * kYear, kYear);
  said = reload();
  ASSERT_FALSE(said.ok());
  EXPECT_NE(said.error().message().find("expired"), std::string::npos);
  EXPECT_EQ(serial_shown("b"), before);
}

}  // namespace
}  // namespace atl
