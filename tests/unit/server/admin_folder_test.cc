#include "server/admin/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/core/file.h"
#include "common/core/log.h"
#include "common/net/revocation.h"
#include "server/admin/enrolment_desk.h"
#include "server/run_config.h"
#include "server/watch_config.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using namespace server;
using std::chrono::seconds;

class Folder : public ::testing::Test {
 protected:
  Folder() {
    log::set_level(log::Level::kOff);
    folder_.path = temporary_.path() + "/server";
  }
  void init() { ASSERT_TRUE(init_folder(folder_, {"fl.example.org"}, "127.0.0.1:7171").ok()); }
  static unsigned mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
  }
  Result<wire::Enrolled> enrol(const std::string& token, const std::string& name) {
    const auto made = net::make_key_and_request(name).value();
    auto enrolled = make_enrolment_desk(folder_)->enrol({token, made.request_pem});
    if (!enrolled) return std::move(enrolled).error();
    return std::move(enrolled->answer);
  }
  Result<wire::Enrolled> enrol(const std::string& name) {
    return enrol(issue_token(folder_, name, seconds(60)).value(), name);
  }
  bool is_revoked(const wire::Enrolled& enrolled) {
    return net::RevocationList(folder_.revoked())
        .contains(net::certificate_info(enrolled.certificate_pem).value().serial)
        .value();
  }
  testing::TemporaryFolder temporary_;
  ServerFolder folder_;
};

TEST_F(Folder, InitMakesEverythingAndKeysAreTheOwners) {
  init();
  EXPECT_EQ(mode_of(folder_.authority_key()), 0600u);
  EXPECT_EQ(mode_of(folder_.key()), 0600u);
  EXPECT_EQ(mode_of(folder_.authority()), 0644u);
  const auto chain = read_text(folder_.certificate()).value();
  EXPECT_NE(chain.find(read_text(folder_.authority()).value()), std::string::npos);
  // The configuration it writes is one that it reads, and says what the defaults are.
  auto document = config::Document::load(folder_.config()).value();
  auto root = document.root();
  auto run = read_run_config(root);
  std::string address;
  root.table("listen").read("address", address);
  const auto admission = read_admission_config(root);
  EXPECT_EQ(read_watch_config(root).address, "");
  EXPECT_TRUE(document.finish().ok());
  EXPECT_EQ(address, "127.0.0.1:7171");
  RunConfig defaults;
  defaults.model.name = "mlp";  // which fits any data
  EXPECT_EQ(to_toml(run), to_toml(defaults));
  EXPECT_EQ(admission.client_lifetime, AdmissionConfig().client_lifetime);
  EXPECT_TRUE(admission.allow.empty());
  EXPECT_EQ(admission.failed_attempts, AdmissionConfig().failed_attempts);
  EXPECT_EQ(admission.failed_attempts_a_minute, AdmissionConfig().failed_attempts_a_minute);
  EXPECT_EQ(admission.renew_grace, AdmissionConfig().renew_grace);
}

TEST_F(Folder, InitTwiceIsRefusedAndKeepsTheAuthority) {
  init();
  const auto key = read_text(folder_.authority_key()).value();
  const auto again = init_folder(folder_, {}, "127.0.0.1:7171");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), ErrorCode::kUsage);
  EXPECT_FALSE(again.error().hint().empty());
  EXPECT_EQ(read_text(folder_.authority_key()).value(), key);
  // Nor when only the key is left: certificates of clients may still stand on it.
  ASSERT_EQ(::unlink(folder_.config().c_str()), 0);
  ASSERT_EQ(::unlink(folder_.authority().c_str()), 0);
  EXPECT_FALSE(init_folder(folder_, {}, "127.0.0.1:7171").ok());
}

TEST_F(Folder, InitRefusesBadNamesAndAddressesBeforeItWritesAnything) {
  EXPECT_EQ(init_folder(folder_, {"a b"}, "127.0.0.1:7171").error().code(), ErrorCode::kUsage);
  for (const char* address : {"", "host", "h:1\"\nx = 1"})
    EXPECT_EQ(init_folder(folder_, {}, address).error().code(), ErrorCode::kUsage) << address;
  EXPECT_FALSE(exists(folder_.path));
}

TEST_F(Folder, TokensAreForGoodNamesOnly) {
  init();
  for (const char* bad : {"", "..", "../x", "a/b", "a b", ".hidden"})
    EXPECT_EQ(issue_token(folder_, bad, seconds(60)).error().code(), ErrorCode::kUsage) << bad;
  EXPECT_TRUE(issue_token(folder_, "site-a", seconds(60)).ok());
  ServerFolder none{temporary_.path() + "/none"};
  const auto missing = issue_token(none, "site-a", seconds(60));
  EXPECT_EQ(missing.error().code(), ErrorCode::kUsage);
  EXPECT_NE(missing.error().hint().find("atoll-server init"), std::string::npos);
}

TEST_F(Folder, EnrolsOnceWithAToken) {
  init();
  const auto token = issue_token(folder_, "site-a", seconds(60)).value();
  EXPECT_FALSE(enrol(token, "site-b").ok());     // a request that names somebody else ...
  const auto enrolled = enrol(token, "site-a");  // ... does not use the token up
  ASSERT_TRUE(enrolled.ok()) << enrolled.error().message();
  EXPECT_EQ(net::certificate_info(enrolled->certificate_pem).value().common_name, "site-a");
  EXPECT_EQ(enrolled->authority_pem, read_text(folder_.authority()).value());
  EXPECT_EQ(read_text(folder_.client("site-a")).value(), enrolled->certificate_pem);
  EXPECT_NE(enrol(token, "site-a").error().message().find("used before"), std::string::npos);
  EXPECT_FALSE(enrol("nonsense", "site-a").ok());
}

TEST_F(Folder, RevokesEveryCertificateOfAClientAndNobodyElses) {
  init();
  const auto first = enrol("site-a").value(), second = enrol("site-a").value();
  const auto other = enrol("site-b").value();
  ASSERT_TRUE(revoke_client(folder_, "site-a").ok());
  EXPECT_TRUE(is_revoked(first)) << "an older certificate stays good";
  EXPECT_TRUE(is_revoked(second));
  EXPECT_FALSE(is_revoked(other));
  const auto list = read_text(folder_.revoked()).value();
  ASSERT_TRUE(revoke_client(folder_, "site-a").ok());
  EXPECT_EQ(read_text(folder_.revoked()).value(), list);
}

TEST_F(Folder, RevokingWithdrawsTokensUsedAndUnused) {
  init();
  const auto key = net::make_key_and_request("site-a").value();
  const auto desk = make_enrolment_desk(folder_);
  const auto used = issue_token(folder_, "site-a", seconds(60)).value();
  ASSERT_TRUE(desk->enrol({used, key.request_pem}).ok());
  ASSERT_TRUE(desk->enrol({used, key.request_pem}).ok()) << "an answer may have been lost";
  const auto unused = issue_token(folder_, "site-a", seconds(60)).value();
  const auto never = issue_token(folder_, "site-c", seconds(60)).value();
  const auto other = issue_token(folder_, "site-b", seconds(60)).value();
  ASSERT_TRUE(revoke_client(folder_, "site-a").ok());
  ASSERT_TRUE(revoke_client(folder_, "site-c").ok()) << "it has not enrolled, and never will";
  for (const auto& [token, name] :
       {std::pair(used, "site-a"), std::pair(unused, "site-a"), std::pair(never, "site-c")}) {
    const auto answer = enrol(token, name);
    ASSERT_FALSE(answer.ok());
    EXPECT_NE(answer.error().message().find("was withdrawn"), std::string::npos)
        << answer.error().message();
  }
  EXPECT_FALSE(desk->enrol({used, key.request_pem}).ok());
  EXPECT_TRUE(enrol(other, "site-b").ok());
  // A new token is a new beginning.
  EXPECT_TRUE(enrol(issue_token(folder_, "site-a", seconds(60)).value(), "site-a").ok());
  EXPECT_FALSE(revoke_client(folder_, "site-d").ok());
}

TEST_F(Folder, ReleasesOneClientFromQuarantine) {
  init();
  ASSERT_TRUE(make_folders(folder_.run()).ok());
  const auto nobody = release_from_quarantine(folder_.quarantine(), "site-a");
  EXPECT_EQ(nobody.error().code(), ErrorCode::kUsage);
  EXPECT_EQ(nobody.error().hint(), "nobody is");
  auto quarantine = Quarantine::open(folder_.quarantine(), 2).value();
  for (const char* name : {"site-a", "site-b", "site-c"}) {
    EXPECT_FALSE(quarantine.strike({name, "first", "now", 3})) << name;
    EXPECT_TRUE(quarantine.strike({name, "second \xff", "now", 3})) << name;
  }
  EXPECT_EQ(release_from_quarantine(folder_.quarantine(), "site-d").error().hint(),
            "in quarantine: site-a, site-b, site-c");
  ASSERT_TRUE(release_from_quarantine(folder_.quarantine(), "site-b").ok());
  // The server that is running sees it, and so does the next one.
  EXPECT_FALSE(quarantine.contains("site-b").value());
  EXPECT_TRUE(quarantine.contains("site-a").value());
  auto other = Quarantine::open(folder_.quarantine(), 0).value();
  EXPECT_TRUE(other.contains("site-c").value());
  EXPECT_EQ(other.entries().size(), 2u);
  EXPECT_EQ(other.entries().at("site-a").round, 3u);
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(other.strike({"site-e", "", "", 1}));
}

TEST_F(Folder, RevokingTheUnknownSaysSo) {
  init();
  const auto unknown = revoke_client(folder_, "nobody");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code(), ErrorCode::kUsage);
  EXPECT_NE(unknown.error().message().find("no client \"nobody\""), std::string::npos);
  EXPECT_EQ(revoke_client(folder_, "../identity/server").error().code(), ErrorCode::kUsage);
  EXPECT_EQ(read_status(folder_).error().code(), ErrorCode::kUsage);
}

}  // namespace
}  // namespace atl
