// Patterns of names, the tables they stand in, and the limit on failures.
#include "server/admission/config.h"

#include <gtest/gtest.h>

#include "server/admission/failure_limit.h"

namespace atl {
namespace {

using namespace server;
using std::chrono::seconds;

TEST(Allow, PatternsFitNames) {
  const std::vector<std::pair<const char*, const char*>> fits{{"a", "a"},
                                                              {"*", "a"},
                                                              {"*", ""},
                                                              {"hospital-*", "hospital-7"},
                                                              {"hospital-*", "hospital-"},
                                                              {"*-a", "x-a"},
                                                              {"*-a", "-a-a"},
                                                              {"a*b*c", "axxbyyc"},
                                                              {"a*b*c", "abbbc"},
                                                              {"**a", "a"},
                                                              {"a**", "abc"},
                                                              {"*a*", "bab"}};
  for (const auto& [pattern, name] : fits) EXPECT_TRUE(matches(pattern, name)) << pattern << name;
  const std::vector<std::pair<const char*, const char*>> not_fits{
      {"a", "b"},       {"a", "ab"}, {"ab", "a"},  {"hospital-*", "hospital"},   {"*-a", "x-ab"},
      {"a*b*c", "acb"}, {"", "a"},   {"a*", "ba"}, {"hospital-*", "Hospital-1"}, {"a.c", "abc"}};
  for (const auto& [pattern, name] : not_fits)
    EXPECT_FALSE(matches(pattern, name)) << pattern << name;
  // A pattern that makes a naive matcher go on for ever.
  EXPECT_FALSE(matches("a*a*a*a*a*a*a*a*a*a*b", std::string(64, 'a')));
}

std::string read(const std::string& text, AdmissionConfig& out) {
  auto document = config::Document::parse(text, "server.toml").value();
  out = read_admission_config(document.root());
  auto done = document.finish();
  return done ? "" : done.error().message();
}

TEST(AdmissionConfigFile, SaysWhatItSays) {
  AdmissionConfig config;
  EXPECT_EQ(read("", config), "");
  EXPECT_TRUE(config.allow.empty());
  EXPECT_EQ(config.client_lifetime, std::chrono::hours(24 * 365));
  EXPECT_EQ(
      read("[admission]\nallow = [\"site-a\", \"hospital-*\", \"*\"]\nfailed_attempts = 5\n"
           "failed_attempts_a_minute = 7\n[identity]\nclient_days = 1.5\nrenew_grace_days = 0\n",
           config),
      "");
  EXPECT_EQ(config.allow, (std::vector<std::string>{"site-a", "hospital-*", "*"}));
  EXPECT_EQ(config.failed_attempts, 5u);
  EXPECT_EQ(config.failed_attempts_a_minute, 7u);
  EXPECT_EQ(config.client_lifetime, std::chrono::hours(36));
  EXPECT_EQ(config.renew_grace, seconds(0));
  for (const char* bad : {"[admission]\nallow = [\"\"]", "[admission]\nallow = [\"a b\"]",
                          "[admission]\nallow = [\"a?\"]", "[admission]\nallow = \"a\"",
                          "[admission]\nalow = []", "[identity]\nclient_days = 0",
                          "[admission]\nfailed_attempts = 0", "[identity]\nclient_days = 4000"})
    EXPECT_NE(read(bad, config), "") << bad;
}

TEST(Failures, AreLimitedByNetworkAndComeBack) {
  FailureLimit limit(3, 60);
  FailureLimit::Time now{};
  const std::string a = "1.2.3.4:1", b = "1.2.3.5:1";
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limit.is_spent(a, now));
    limit.failed("1.2.3.4:" + std::to_string(i), now);
  }
  EXPECT_TRUE(limit.is_spent(a, now));
  EXPECT_FALSE(limit.is_spent(b, now));
  EXPECT_TRUE(limit.is_spent(a, now + std::chrono::milliseconds(900)));
  EXPECT_FALSE(limit.is_spent(a, now + seconds(1)));
  for (int i = 0; i < 1'000; ++i) limit.failed(a, now);  // no debt beyond nothing left
  EXPECT_FALSE(limit.is_spent(a, now + seconds(1)));
  EXPECT_FALSE(limit.is_spent(a, now + std::chrono::hours(24 * 365)));
}

TEST(Failures, OfManyNetworksStayInBoundedMemory) {
  FailureLimit limit(2, 1);
  FailureLimit::Time now{};
  for (size_t i = 0; i < 3 * FailureLimit::kNetworks; ++i) {
    const auto host = std::to_string(i % 256) + "." + std::to_string(i / 256) + ".0.1:1";
    limit.failed(host, now);
    limit.failed(host, now);
    EXPECT_TRUE(limit.is_spent(host, now));
  }
  EXPECT_LE(limit.networks(), FailureLimit::kNetworks);
}

}  // namespace
}  // namespace atl
