#include "common/core/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

namespace atl {
namespace {

Status fails() { return Error(ErrorCode::kIo, "disk gone").hint("ls /"); }
Status middle() {
  auto done = fails();
  if (!done) return std::move(done).error().wrap("cannot write the file");
  return {};
}
Result<int> outer() {
  auto done = middle();
  if (!done) return std::move(done).error().wrap("cannot save").hint("try again");
  return 1;
}
Result<int> assigns(Result<int> in) {
  ATOLL_ASSIGN(const int x, std::move(in));
  ATOLL_TRY(Status());
  return x + 1;
}

TEST(Result, KeepsTheChainOutermostFirstAndTheInnermostHint) {
  const auto result = outer();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kIo);
  EXPECT_EQ(result.error().chain(),
            (std::vector<std::string>{"cannot save", "cannot write the file", "disk gone"}));
  EXPECT_EQ(result.error().message(), "cannot save: cannot write the file: disk gone");
  EXPECT_EQ(result.error().hint(), "ls /");
  EXPECT_EQ(result.error().explain(),
            "error: cannot save\n  because cannot write the file\n  because disk gone\n"
            "  next: ls /\n");
}

TEST(Result, ExplainLeavesOutWhatIsNotThere) {
  EXPECT_EQ(Error(ErrorCode::kUsage, "no").explain(),
            "error: no\n  next: the same command with --help\n");
  EXPECT_EQ(Error(ErrorCode::kInterrupted, "no").explain(), "error: no\n");
}

TEST(Result, AssignAndTryPassValuesAndErrorsOn) {
  EXPECT_EQ(assigns(4).value(), 5);
  EXPECT_EQ(assigns(Error(ErrorCode::kData, "x")).error().code(), ErrorCode::kData);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  auto taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, SystemErrorsKnowAFullDisk) {
  const auto full = errno_error("cannot write x", ENOSPC);
  EXPECT_EQ(full.code(), ErrorCode::kDiskFull);
  EXPECT_EQ(full.hint(), "df -h");
  EXPECT_EQ(errno_error("x", EDQUOT).code(), ErrorCode::kDiskFull);
  const auto other = errno_error("cannot open x", ENOENT);
  EXPECT_EQ(other.code(), ErrorCode::kIo);
  EXPECT_EQ(other.message(), "cannot open x: No such file or directory");
}

// The numbers are exit statuses that scripts rely on.
TEST(Result, CodesHaveStableNumbersAndDifferentNames) {
  const std::pair<ErrorCode, int> table[] = {
      {ErrorCode::kUsage, 2},        {ErrorCode::kConfig, 3},       {ErrorCode::kData, 4},
      {ErrorCode::kIo, 5},           {ErrorCode::kDiskFull, 6},     {ErrorCode::kNetwork, 7},
      {ErrorCode::kAddressInUse, 8}, {ErrorCode::kIdentity, 9},     {ErrorCode::kProtocol, 10},
      {ErrorCode::kModel, 11},       {ErrorCode::kRefused, 12},     {ErrorCode::kDeadline, 13},
      {ErrorCode::kInterrupted, 14}, {ErrorCode::kUnsupported, 15}, {ErrorCode::kTrainer, 16},
      {ErrorCode::kInternal, 70}};
  std::set<std::string_view> names;
  for (const auto& [code, number] : table) {
    EXPECT_EQ(Error(code, "x").exit_status(), number);
    EXPECT_NE(to_string(code), "unknown");
    EXPECT_TRUE(names.insert(to_string(code)).second) << to_string(code);
  }
}

TEST(ResultDeath, TheWrongHalfIsABug) {
  EXPECT_DEATH((void)Result<int>(Error(ErrorCode::kIo, "the reason")).value(), "the reason");
  EXPECT_DEATH((void)Status().error(), "error\\(\\) of a success");
}

}  // namespace
}  // namespace atl
