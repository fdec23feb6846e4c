// What a ring keeps, what it folds, and what it costs.
#include <gtest/gtest.h>

#include <vector>

#include "common/flight/ring.h"
#include "common/wire/frame.h"

namespace atl::flight {
namespace {

constexpr size_t kPlenty = 1u << 20;
constexpr uint8_t kHello = 1, kNextTask = 5, kTask = 6, kPing = 8, kPong = 9, kOffer = 10;

Event event(Way way, uint8_t what, uint64_t at, uint64_t value = 0) {
  Event one;
  one.at = at & ((uint64_t{1} << 48) - 1);
  one.way = static_cast<uint8_t>(way);
  one.what = what;
  one.value = value & kMostValue;
  return one;
}
Event chunk(Way way, uint64_t at, uint64_t offset, uint32_t size) {
  Event one = event(way, 0, at, offset);
  one.bytes = size + wire::kChunkHeaderSize;
  return one;
}
std::vector<std::pair<uint8_t, uint64_t>> kinds_of(const Ring& ring) {
  std::vector<std::pair<uint8_t, uint64_t>> all;
  for (size_t i = 0; i < ring.size(); ++i) all.emplace_back(ring[i].what, ring[i].times);
  return all;
}

TEST(FlightRing, KeepsTheLast1024InOrder) {
  Budget budget(kPlenty);
  Ring ring(budget);
  for (uint64_t i = 0; i < 3000; ++i) ring.push(event(Way::kIn, kHello, i, i));
  ASSERT_EQ(ring.size(), 1024u);
  EXPECT_EQ(ring.forgotten(), 3000u - 1024u);
  for (size_t i = 0; i < ring.size(); ++i) ASSERT_EQ(ring[i].value, 3000 - 1024 + i);
}

TEST(FlightRing, GrowsInStepsAndKeepsWhatItHad) {
  Budget budget(kPlenty);
  {
    Ring ring(budget);
    const size_t steps[] = {16, 64, 256, 1024};
    for (uint64_t i = 0, step = 0; i < 1024; ++i) {
      if (i == steps[step]) ++step;
      ring.push(event(Way::kOut, kHello, i, i));
      ASSERT_EQ(ring.memory(), steps[step] * 24) << i;
      ASSERT_EQ(budget.used, ring.memory());
    }
    for (size_t i = 0; i < 1024; ++i) ASSERT_EQ(ring[i].value, i);
  }
  EXPECT_EQ(budget.used, 0u);
}

TEST(FlightRing, ForgetsInsteadOfGrowingOverTheBudget) {
  Budget budget(100 * sizeof(Event));
  Ring one(budget), other(budget);
  for (uint64_t i = 0; i < 500; ++i) {
    one.push(event(Way::kIn, kHello, i, i));
    other.push(event(Way::kIn, kHello, i, i));
  }
  EXPECT_EQ(one.size(), 64u);
  EXPECT_EQ(other.size(), 16u);
  EXPECT_EQ(other.forgotten(), 484u);
  EXPECT_EQ(other[15].value, 499u);
  EXPECT_LE(budget.used, budget.limit);
}

TEST(FlightRing, ATransferIsItsFirstPieceAndTheRest) {
  Budget budget(kPlenty);
  Ring ring(budget);
  ring.push(event(Way::kIn, 7, 0));
  for (uint64_t i = 0; i < 1000; ++i) ring.push(chunk(Way::kOut, i, i * 4096, 4096));
  ASSERT_EQ(ring.size(), 3u);
  EXPECT_EQ(ring[1].value, 0u);
  EXPECT_EQ(ring[2].times, 999u);
  EXPECT_EQ(ring[2].value, 999u * 4096);
  EXPECT_EQ(ring[2].at, 999u);
  // A pause, another way, and a piece out of order are seen.
  ring.push(chunk(Way::kOut, 2'000'000, 1000 * 4096, 4096));
  EXPECT_EQ(ring.size(), 4u);
  ring.push(chunk(Way::kIn, 2'000'001, 1001 * 4096, 4096));
  EXPECT_EQ(ring.size(), 5u);
  ring.push(chunk(Way::kIn, 2'000'002, 4096, 4096));
  EXPECT_EQ(ring.size(), 6u);
}

TEST(FlightRing, PollsThatBringNothingAreCounted) {
  Budget budget(kPlenty);
  Ring ring(budget);
  for (uint64_t i = 0; i < 5000; ++i) {
    ring.push(event(Way::kIn, kNextTask, 2 * i));
    ring.push(event(Way::kOut, kTask, 2 * i + 1, 0));
  }
  const std::vector<std::pair<uint8_t, uint64_t>> expected = {
      {kNextTask, 1}, {kTask, 1}, {kNextTask, 4999}, {kTask, 4999}};
  EXPECT_EQ(kinds_of(ring), expected);
  EXPECT_EQ(ring[0].at, 0u);
  EXPECT_EQ(ring[3].at, 9999u);
  EXPECT_EQ(ring.memory(), 384u);
}

TEST(FlightRing, HeartbeatsAreCountedAndShowTheLastOne) {
  Budget budget(kPlenty);
  Ring ring(budget);
  for (uint64_t i = 0; i < 100; ++i) {
    ring.push(event(Way::kIn, kPing, 2 * i, i));
    ring.push(event(Way::kOut, kPong, 2 * i + 1, i < 99));
  }
  // The last answer, "closed", is another one.
  ASSERT_GE(ring.size(), 5u);
  EXPECT_EQ(ring[ring.size() - 1].value, 0u);
  EXPECT_EQ(ring[ring.size() - 1].times, 1u);
  EXPECT_EQ(ring[ring.size() - 2].value, 99u);
  EXPECT_LE(ring.size(), 6u);
}

TEST(FlightRing, WhatMattersIsNotFolded) {
  Budget budget(kPlenty);
  Ring ring(budget);
  for (uint64_t i = 0; i < 10; ++i) {
    ring.push(event(Way::kIn, kNextTask, i));
    ring.push(event(Way::kOut, kTask, i, 2));  // work
    ring.push(event(Way::kIn, kOffer, i));
  }
  EXPECT_EQ(ring.size(), 30u);
}

}  // namespace
}  // namespace atl::flight
