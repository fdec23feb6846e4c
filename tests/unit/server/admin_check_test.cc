// What `atoll-server check` finds is what a start would run into.
#include "server/admin/check.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include "common/core/file.h"
#include "common/core/log.h"
#include "common/net/tls_transport.h"
#include "server/store/run_store.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using namespace server;

class Check : public ::testing::Test {
 protected:
  Check() {
    log::set_level(log::Level::kOff);
    folder_.path = temporary_.path() + "/server";
    EXPECT_TRUE(init_folder(folder_, {}, "127.0.0.1:0").ok());
  }
  Result<std::string> check(const std::string& address = "127.0.0.1:0",
                            net::WallTime now = std::chrono::system_clock::now()) {
    ATOLL_ASSIGN(const auto lines, check_folder(folder_, run_, address, now));
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }
  testing::TemporaryFolder temporary_;
  ServerFolder folder_;
  RunConfig run_;
};

TEST_F(Check, AFreshFolderIsGood) {
  const auto said = check();
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_NE(said->find("not begun"), std::string::npos);
  EXPECT_NE(said->find("127.0.0.1:0 is free"), std::string::npos);
  EXPECT_NE(said->find("config hash " + hex(sha256(as_bytes(to_toml(run_))))), std::string::npos);
  EXPECT_EQ(said->find("soon"), std::string::npos);
  EXPECT_FALSE(exists(folder_.run()));
}

TEST_F(Check, ARunThatWasBegunMustHaveThisConfiguration) {
  ASSERT_TRUE(RunStore::open(folder_.run(), to_toml(run_), 2).ok());
  EXPECT_NE(check()->find("goes on"), std::string::npos);
  run_.rounds = 11;
  const auto refused = check();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kConfig);
}

TEST_F(Check, CertificatesEnd) {
  const auto now = std::chrono::system_clock::now();
  EXPECT_NE(check("127.0.0.1:0", now + std::chrono::hours(24 * 710))->find("which is soon"),
            std::string::npos);
  const auto expired = check("127.0.0.1:0", now + std::chrono::hours(24 * 731));
  ASSERT_FALSE(expired.ok());
  EXPECT_EQ(expired.error().code(), ErrorCode::kIdentity);
}

TEST_F(Check, AKeyMustBeTheCertificates) {
  ASSERT_TRUE(write_secret(folder_.key(), read_text(folder_.authority_key()).value()).ok());
  const auto refused = check();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kIdentity);
}

TEST_F(Check, ATakenAddressIsSomebodyElsesUnlessTheServerRuns) {
  asio::io_context io;
  auto other = net::listen_plain(io.get_executor(), "127.0.0.1:0").value();
  const auto refused = check(other->address());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAddressInUse);
  ASSERT_TRUE(write_atomic(folder_.address(), other->address() + "\n").ok());
  EXPECT_NE(check(other->address())->find("server is running"), std::string::npos);
  other->close();
}

}  // namespace
}  // namespace atl
