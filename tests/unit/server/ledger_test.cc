// The ledger: what was meant and what was done survives every way of stopping.
#include "server/store/ledger.h"

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using server::Commit;
using server::Intent;
using server::Ledger;

class LedgerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ledger> open() { return Ledger::open(folder_.path() + "/ledger").value(); }
  static Intent intent(uint32_t round, uint32_t attempt) {
    return {round, attempt, {{"a", true, false}, {"b", true, true}, {"c", false, true}}};
  }
  testing::TemporaryFolder folder_;
};

TEST_F(LedgerTest, ANewOneKnowsNothing) {
  auto ledger = open();
  EXPECT_FALSE(ledger->committed().value().has_value());
  EXPECT_FALSE(ledger->unfinished(1).value().has_value());
  EXPECT_EQ(ledger->next_attempt(1).value(), 0u);
  EXPECT_FALSE(ledger->finished().value());
}

TEST_F(LedgerTest, ARunKeepsItsIdentityAndSharesItWithNoOther) {
  const auto mine = open()->identity().value();
  EXPECT_EQ(mine.size(), 32u);
  EXPECT_EQ(mine.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(open()->identity().value(), mine);
  const auto other = Ledger::open(folder_.path() + "/other").value()->identity().value();
  EXPECT_NE(other, mine);
}

TEST_F(LedgerTest, AnIntentIsThereAfterARestartWithItsVeryCohort) {
  ASSERT_TRUE(open()->begin(intent(3, 1)).ok());
  auto ledger = open();
  const auto found = ledger->unfinished(3).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->round, 3u);
  EXPECT_EQ(found->attempt, 1u);
  ASSERT_EQ(found->places.size(), 3u);
  EXPECT_EQ(found->places[1].client, "b");
  EXPECT_TRUE(found->places[1].train && found->places[1].evaluate);
  EXPECT_FALSE(found->places[2].train);
  EXPECT_FALSE(ledger->unfinished(4).value().has_value());
}

TEST_F(LedgerTest, OnlyVoidAttemptsCount) {
  auto ledger = open();
  ASSERT_TRUE(ledger->begin(intent(1, 0)).ok());
  EXPECT_EQ(ledger->next_attempt(1).value(), 0u) << "an interrupted one is done again as it was";
  ASSERT_TRUE(ledger->give_up(1, 0).ok());
  EXPECT_FALSE(ledger->unfinished(1).value().has_value());
  EXPECT_EQ(ledger->next_attempt(1).value(), 1u);
}

TEST_F(LedgerTest, ACommitEndsTheRoundAndBringsItsLinesOnce) {
  {
    auto ledger = open();
    ASSERT_TRUE(ledger->begin(intent(1, 0)).ok());
    ASSERT_TRUE(ledger->commit({1, 0, {}, {{"a", {}, 5}}, {"one", "two"}}).ok());
  }
  auto ledger = open();
  EXPECT_EQ(ledger->committed().value(), 1u);
  EXPECT_FALSE(ledger->unfinished(1).value().has_value());
  EXPECT_EQ(ledger->undelivered().value(), (std::vector<std::string>{"one", "two"}));
  ledger->delivered();
  EXPECT_TRUE(ledger->undelivered().value().empty());
  ASSERT_TRUE(ledger->finish({"three"}).ok());
  EXPECT_EQ(ledger->undelivered().value(), (std::vector<std::string>{"three"}));
  EXPECT_TRUE(ledger->finished().value());
}

TEST_F(LedgerTest, LinesThatWereNotDeliveredOutliveTheNextIntent) {
  auto ledger = open();
  ASSERT_TRUE(ledger->commit({.round = 0, .lines = {"zero"}}).ok());
  ASSERT_TRUE(ledger->begin(intent(1, 0)).ok());
  EXPECT_EQ(ledger->undelivered().value(), (std::vector<std::string>{"zero"}));
  ledger->delivered();
  ASSERT_TRUE(ledger->give_up(1, 0).ok());
  ASSERT_TRUE(ledger->begin(intent(1, 1)).ok());
  ledger.reset();
  EXPECT_TRUE(open()->undelivered().value().empty()) << "the next intent told the disk";
}

TEST_F(LedgerTest, LostRoundsAreDoneAgainAsTheyWere) {
  auto ledger = open();
  for (uint32_t round = 1; round <= 3; ++round) {
    ASSERT_TRUE(ledger->begin(intent(round, 0)).ok());
    ASSERT_TRUE(ledger->commit({.round = round}).ok());
  }
  ASSERT_TRUE(ledger->lose_from(2).ok());
  EXPECT_EQ(ledger->committed().value(), 1u);
  const auto again = ledger->unfinished(2).value();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->attempt, 0u);
  EXPECT_EQ(again->places.size(), 3u);
  ASSERT_TRUE(ledger->begin(*again).ok());
  ASSERT_TRUE(ledger->commit({.round = 2}).ok());
  EXPECT_EQ(ledger->committed().value(), 2u);
}

TEST_F(LedgerTest, TwoServersCannotHaveTheSameRun) {
  auto ledger = open();
  ASSERT_TRUE(ledger->begin(intent(1, 0)).ok());
  auto second = Ledger::open(folder_.path() + "/ledger");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kUsage);
  EXPECT_NE(second.error().message().find("another server"), std::string::npos);
}

TEST_F(LedgerTest, WhatIsNotADatabaseIsAnError) {
  ASSERT_TRUE(write_atomic(folder_.path() + "/ledger", std::string(5000, 'x')).ok());
  auto opened = Ledger::open(folder_.path() + "/ledger");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace atl
