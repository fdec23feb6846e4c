// The table of hostile cases, without a server: that each is named once and expects something.
#include <gtest/gtest.h>

#include <set>

#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

TEST(HostileCases, EachHasANameOfItsOwn) {
  const auto all = all_cases();
  EXPECT_GE(all.size(), 150u);
  std::set<std::string> names;
  for (const auto& one : all) EXPECT_TRUE(names.insert(one.name).second) << one.name;
}

// A verdict is right by its kind and number; what was said is compared apart.
TEST(HostileCases, VerdictsAreComparedByKindAndNumber) {
  auto told = refused(wire::Reason::kBusy);
  told.text = "anything";
  EXPECT_TRUE(told == refused(wire::Reason::kBusy));
  EXPECT_FALSE(told == refused(wire::Reason::kUnexpected));
  EXPECT_FALSE(told == outcome(wire::Reason::kBusy));
  EXPECT_EQ(told.in_words(), "refused 12 (anything)");
  EXPECT_EQ(closed().in_words(), "closed");
}

// Bytes by hand are those of the real encoder.
TEST(HostileCases, HandmadeMessagesCanBeRead) {
  const auto hello = field(1, text_field(1, "a") + field(2, uint64_t{300}));
  const auto read = wire::decode(hello);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(*read == wire::Message(wire::Hello{"a", 300, 0, ""}));
  const auto header = wire::decode_header(raw_header(77, 2));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->length, 77u);
  EXPECT_EQ(header->kind, wire::FrameKind::kChunk);
}

}  // namespace
}  // namespace atl::bench
