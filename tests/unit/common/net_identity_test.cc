// Certificates, tokens, revocations, back-off; and the waiting primitives of coroutines.
#include "common/net/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <asio/thread_pool.hpp>
#include <atomic>
#include <set>
#include <thread>

#include "common/core/file.h"
#include "common/net/backoff.h"
#include "common/net/event.h"
#include "common/net/offload.h"
#include "common/net/revocation.h"
#include "common/net/token.h"
#include "tests/support/driver.h"
#include "tests/support/identities.h"

namespace atl {
namespace {

using namespace net;
using std::chrono::hours;
using std::chrono::seconds;
using testing::Identities;
using testing::TemporaryFolder;

TEST(Identity, CertificatesSayWhatWasAsked) {
  const auto now = Identities::now();
  const auto authority = create_authority("Fed", now, hours(48)).value();
  const auto info = certificate_info(authority.certificate_pem).value();
  EXPECT_EQ(info.common_name, "Fed");
  EXPECT_EQ(info.fingerprint.size(), 64u);
  EXPECT_NEAR(static_cast<double>((info.not_after - now).count()),
              static_cast<double>(std::chrono::system_clock::duration(hours(48)).count()), 2e9);
  EXPECT_LT(info.not_before, now);  // clocks may be a little behind
  const auto made = make_key_and_request("site-a").value();
  const auto signed_a =
      sign_client_request(authority, made.request_pem, "site-a", now, hours(1)).value();
  const auto again =
      sign_client_request(authority, made.request_pem, "site-a", now, hours(1)).value();
  EXPECT_EQ(certificate_info(signed_a).value().common_name, "site-a");
  EXPECT_NE(certificate_info(signed_a).value().serial, certificate_info(again).value().serial);
}

TEST(Identity, BadRequestsAreNotSigned) {
  const auto now = Identities::now();
  const auto authority = create_authority("Fed", now, hours(48)).value();
  const auto sign = [&](const std::string& request, const std::string& name) -> std::string {
    const auto out = sign_client_request(authority, request, name, now, hours(1));
    if (out) return "signed";
    EXPECT_EQ(out.error().code(), ErrorCode::kIdentity);
    return out.error().message();
  };
  auto request = make_key_and_request("site-a").value().request_pem;
  EXPECT_EQ(sign(request, "site-a"), "signed");
  EXPECT_NE(sign(request, "site-b").find("names somebody else"), std::string::npos);
  EXPECT_NE(sign("", "site-a").find("cannot be read"), std::string::npos);
  EXPECT_NE(sign(authority.certificate_pem, "site-a").find("cannot be read"), std::string::npos);
  // The signature of another request over this one's contents: change one letter inside.
  const auto middle = request.size() / 2;
  request[middle] = request[middle] == 'A' ? 'B' : 'A';
  EXPECT_NE(sign(request, "site-a"), "signed");
}

TEST(Identity, ARequestForAKeyThatIsThereKeepsTheKey) {
  const auto now = Identities::now();
  const auto authority = create_authority("Fed", now, hours(48)).value();
  const auto made = make_key_and_request("a").value();
  const auto again = make_request(made.key_pem, "a").value();
  EXPECT_EQ(key_of_request(again, "a").value(), key_of_request(made.request_pem, "a").value());
  EXPECT_NE(key_of_request(make_key_and_request("a")->request_pem, "a").value(),
            key_of_request(again, "a").value());
  EXPECT_FALSE(key_of_request(again, "b").ok());
  const auto pem = sign_client_request(authority, again, "a", now, seconds(100)).value();
  const auto info = certificate_info(pem).value();
  EXPECT_EQ(info.key, key_of_request(again, "a").value());
  EXPECT_EQ(info.lifetime, seconds(100));
}

TEST(Identity, AClientTakesOnlyTheCertificateItAskedFor) {
  const auto now = Identities::now();
  const auto authority = create_authority("Fed", now, hours(48)).value();
  const auto other = create_authority("Fed", now, hours(48)).value();
  const auto mine = make_key_and_request("a").value(), its = make_key_and_request("a").value();
  const auto sign = [&](const KeyAndCertificate& by, const KeyAndRequest& made) {
    return sign_client_request(by, made.request_pem, "a", now, hours(1)).value();
  };
  const auto check = [&](const std::string& certificate) {
    return check_certificate(certificate, authority.certificate_pem, mine.request_pem, "a").ok();
  };
  EXPECT_TRUE(check(sign(authority, mine)));
  EXPECT_FALSE(check(sign(authority, its)));
  EXPECT_FALSE(check(sign(other, mine)));
  EXPECT_FALSE(check(authority.certificate_pem));
  EXPECT_FALSE(check(""));
}

TEST(Identity, ServerNamesThatCouldCarryExtensionsAreRefused) {
  const auto now = Identities::now();
  const auto authority = create_authority("Fed", now, hours(48)).value();
  for (const char* bad : {"", "a,DNS:evil", "a b", "a\nb", "a;b"})
    EXPECT_EQ(issue_server_certificate(authority, {bad}, now, hours(1)).error().code(),
              ErrorCode::kUsage)
        << bad;
  EXPECT_TRUE(
      issue_server_certificate(authority, {"fl.example.org", "10.0.0.1", "::1"}, now, hours(1))
          .ok());
}

class Tokens : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = folder_.path() + "/tokens.json";
  TokenStore store_{path_};
  WallTime now_ = Identities::now();
  std::string print_ = std::string(64, 'f');
  int keys_ = 0;  // everybody has one of their own
  std::string why(const std::string& token, WallTime now) {
    return why(token, now, "key " + std::to_string(++keys_));
  }
  std::string why(const std::string& token, WallTime now, const std::string& key) {
    const auto redeemed = store_.redeem(token, key, now);
    if (!redeemed) return redeemed.error().message();
    return redeemed->client + (redeemed->again ? " again" : "");
  }
};

TEST_F(Tokens, AreGoodOnceBeforeTheyExpireForTheirClient) {
  const auto token = store_.issue("site-a", print_, now_, seconds(60)).value();
  const auto parts = parse_token(token).value();
  EXPECT_EQ(parts.client, "site-a");
  EXPECT_EQ(parts.fingerprint, print_);
  const auto late = store_.issue("site-b", print_, now_, seconds(60)).value();

  auto other_name = token.substr(0, token.size() - 1) + "z";
  EXPECT_NE(why(other_name, now_).find("for another client"), std::string::npos);
  auto other_secret = token;
  other_secret[8] = other_secret[8] == 'A' ? 'B' : 'A';
  EXPECT_NE(why(other_secret, now_).find("unknown"), std::string::npos);
  EXPECT_EQ(why(token, now_ + seconds(59)), "site-a");
  EXPECT_NE(why(token, now_ + seconds(59)).find("used before"), std::string::npos);
  EXPECT_NE(why(late, now_ + seconds(60)).find("expired"), std::string::npos);
  EXPECT_NE(why("atoll1.x.y.z", now_).find("not an enrolment token"), std::string::npos);
  for (const char* bad : {"", "atoll1", "atoll1..", "...."})
    EXPECT_EQ(parse_token(bad).error().code(), ErrorCode::kIdentity) << bad;
}

// The answer may have been lost: the same key may ask again, another may not.
TEST_F(Tokens, AreGoodAgainForTheSameKeyUntilTheyExpire) {
  const auto token = store_.issue("site-a", print_, now_, seconds(60)).value();
  EXPECT_EQ(why(token, now_, "mine"), "site-a");
  EXPECT_EQ(why(token, now_, "mine"), "site-a again");
  EXPECT_NE(why(token, now_, "thief's").find("used before"), std::string::npos);
  EXPECT_NE(why(token, now_, "").find("used before"), std::string::npos);
  EXPECT_EQ(why(token, now_ + seconds(59), "mine"), "site-a again");
  EXPECT_NE(why(token, now_ + seconds(60), "mine").find("expired"), std::string::npos);
  // A token that was used by a server that did not write its key down is good for no key.
  auto text = read_text(path_).value();
  text.replace(text.find("\"key\""), 5, "\"old\"");
  ASSERT_TRUE(write_atomic(path_, text).ok());
  EXPECT_NE(why(token, now_, "mine").find("used before"), std::string::npos);
}

TEST_F(Tokens, OnlyTheHashOfTheSecretIsKeptAndOnlyTheOwnerReadsIt) {
  const auto token = store_.issue("site-a", print_, now_, seconds(60)).value();
  const auto text = read_text(path_).value();
  EXPECT_EQ(text.find(parse_token(token).value().secret), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(Tokens, OfManyWhoRedeemAtOnceOneWins) {
  for (int turn = 0; turn < 5; ++turn) {
    const auto token = store_.issue("site-a", print_, now_, seconds(60)).value();
    std::atomic<int> won{0}, ready{0};
    std::vector<std::thread> racers;
    for (int i = 0; i < 4; ++i) {
      racers.emplace_back([&, i] {
        TokenStore own(path_);
        ++ready;
        while (ready < 4) std::this_thread::yield();
        if (own.redeem(token, std::to_string(i), now_)) ++won;
      });
    }
    for (auto& racer : racers) racer.join();
    EXPECT_EQ(won, 1);
  }
}

TEST_F(Tokens, ADamagedFileIsAnErrorNotACrash) {
  const auto token = store_.issue("site-a", print_, now_, seconds(60)).value();
  auto text = read_text(path_).value();
  ASSERT_TRUE(write_atomic(path_, "[]").ok());
  EXPECT_EQ(store_.redeem(token, "key", now_).error().code(), ErrorCode::kIo);
  ASSERT_TRUE(write_atomic(path_, "{").ok());
  EXPECT_EQ(store_.issue("x", print_, now_, seconds(1)).error().code(), ErrorCode::kIo);
  text.replace(text.find("false"), 5, "\"no\" ");
  ASSERT_TRUE(write_atomic(path_, text).ok());
  EXPECT_EQ(store_.redeem(token, "key", now_).error().code(), ErrorCode::kIo);
}

TEST(Revocation, IsSeenAtOnceAndSurvivesTheProcess) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/revoked.txt";
  RevocationList list(path), other(path);
  EXPECT_FALSE(list.contains("0A").value());
  CertificateInfo info;
  info.serial = "0A";
  info.common_name = "site-a";
  ASSERT_TRUE(other.add(info, Identities::now()).ok());
  EXPECT_TRUE(list.contains("0A").value());
  EXPECT_FALSE(list.contains("0").value());
  info.serial = "0B";
  ASSERT_TRUE(other.add(info, Identities::now()).ok());
  EXPECT_TRUE(list.contains("0A").value() && list.contains("0B").value());
  EXPECT_TRUE(RevocationList(path).contains("0B").value());
}

TEST(Revocation, NoneIsLostWhenManyRevokeAtOnce) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/revoked.txt";
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&path, i] {
      for (int k = 0; k < 5; ++k) {
        CertificateInfo info;
        info.serial = std::to_string(i) + "-" + std::to_string(k);
        info.common_name = "x";
        EXPECT_TRUE(RevocationList(path).add(info, Identities::now()).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  RevocationList list(path);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(list.contains(std::to_string(i / 5) + "-" + std::to_string(i % 5)).value()) << i;
}

TEST(Revocation, AListThatCannotBeReadIsAnError) {
  TemporaryFolder folder;
  EXPECT_FALSE(RevocationList(folder.path()).contains("0A").ok());
}

TEST(BackoffTest, DoublesUpToItsCapWithJitterAndBeginsAgain) {
  using std::chrono::milliseconds;
  Backoff backoff(milliseconds(100), milliseconds(1000), Rng(1, "backoff"));
  int64_t limit = 100;
  std::set<int64_t> seen;
  for (int i = 0; i < 40; ++i) {
    const auto pause = backoff.next().count();
    EXPECT_GE(pause, limit / 2) << i;
    EXPECT_LE(pause, limit) << i;
    seen.insert(pause);
    limit = std::min<int64_t>(1000, limit * 2);
  }
  EXPECT_GT(seen.size(), 20u);
  backoff.reset();
  EXPECT_LE(backoff.next().count(), 100);
}

TEST(EventTest, WakesEveryoneWhoWaits) {
  testing::Driver driver;
  Event event(driver.executor());
  auto a = driver.start(event.wait_for(hours(1)));
  auto b = driver.start(event.wait_for(hours(1)));
  driver.settle();
  EXPECT_FALSE(a->has_value());
  event.notify();
  EXPECT_TRUE(driver.wait(a));
  EXPECT_TRUE(driver.wait(b));
  EXPECT_FALSE(driver.wait(event.wait_for(Duration(5))));
}

// A waiter that is destroyed while it waits leaves nothing behind for the next notify.
TEST(EventTest, ForgetsWaitersThatAreDestroyed) {
  asio::io_context outer;
  Event event(outer.get_executor());
  auto inner = std::make_unique<testing::Driver>();
  Event on_inner(inner->executor());
  auto pending = inner->start(on_inner.wait_for(hours(1)));
  inner->settle();
  inner.reset();
  on_inner.notify();
  EXPECT_FALSE(pending->has_value());
}

TEST(OffloadTest, RunsElsewhereAndComesBack) {
  testing::Driver driver;
  asio::thread_pool pool(1);
  const auto here = std::this_thread::get_id();
  auto identify = [] { return std::make_unique<std::thread::id>(std::this_thread::get_id()); };
  auto fail = [] { return Status(Error(ErrorCode::kIo, "gone")); };
  auto there = driver.wait(offload(pool.get_executor(), identify));
  EXPECT_NE(*there, here);
  auto failed = driver.wait(offload(pool.get_executor(), fail));
  EXPECT_EQ(failed.error().message(), "gone");
  pool.join();
}

}  // namespace
}  // namespace atl
