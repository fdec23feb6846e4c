// The emulated link as arithmetic: rate, queue, loss, delay, cuts, and what a NAT forgets. Times
// are made up; nothing waits.
#include <gtest/gtest.h>

#include <vector>

#include "experiments/bench/network/flow_table.h"
#include "experiments/bench/network/link.h"

namespace atl::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Weather weather(double loss, int rtt_ms, uint64_t megabits) {
  return {loss, milliseconds(rtt_ms), megabits * 1'000'000};
}
LinkDirection direction(const Weather& of) { return LinkDirection(of, 1, "test"); }

TEST(NetworkLink, APacketTakesItsTimeOnTheLinkAndHalfTheRoundTrip) {
  auto link = direction(weather(0, 50, 10));
  // 1,250 bytes are 10,000 bits: 1 ms at 10 Mb/s.
  EXPECT_EQ(link.offer(seconds(1), 1250), seconds(1) + milliseconds(1 + 25));
  EXPECT_EQ(link.offer(seconds(1), 1250), seconds(1) + milliseconds(2 + 25));
  EXPECT_EQ(link.offer(seconds(2), 1250), seconds(2) + milliseconds(1 + 25));
}

TEST(NetworkLink, WithoutARateThereIsNoQueue) {
  auto link = direction(weather(0, 50, 0));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(link.offer(seconds(1), 1500), milliseconds(1025));
}

TEST(NetworkLink, TheQueueHoldsARoundTripAndDropsTheRest) {
  const auto rough = weather(0, 200, 10);
  EXPECT_EQ(queue_bytes(rough), 250'000u);
  EXPECT_EQ(queue_bytes(weather(0, 0, 100)), 625'000u);   // 50 ms
  EXPECT_EQ(queue_bytes(weather(0, 50, 1)), 32u * 1500);  // the least
  auto link = direction(rough);
  for (int i = 0; i < 300; ++i) link.offer(seconds(1), 1250);
  EXPECT_EQ(link.counts().packets, 200u);
  EXPECT_EQ(link.counts().overflowed, 100u);
  // 10 ms later, ten of them are on their way.
  for (int i = 0; i < 20; ++i) link.offer(seconds(1) + milliseconds(10), 1250);
  EXPECT_EQ(link.counts().packets, 210u);
  EXPECT_EQ(link.counts().bytes, 210u * 1250);
}

TEST(NetworkLink, NothingOvertakesAndTheRateIsKept) {
  auto link = direction(weather(0.05, 200, 10));
  Rng rng(7, "arrivals");
  LinkTime now{0}, last{0};
  for (int i = 0; i < 20'000; ++i) {
    now += std::chrono::microseconds(rng.below(2'000));
    const auto due = link.offer(now, 40 + rng.below(1461));
    if (!due) continue;
    EXPECT_GE(*due, last);
    EXPECT_GE(*due, now + milliseconds(100));
    last = *due;
  }
  const double seconds = std::chrono::duration<double>(last).count();
  EXPECT_LE(static_cast<double>(link.counts().bytes) * 8 / seconds, 10e6);
}

TEST(NetworkLink, LosesTheShareAskedForAndTheSameOnesWithTheSameSeed) {
  auto losses = [](uint64_t seed) {
    LinkDirection link(weather(0.05, 0, 0), seed, "test");
    std::vector<bool> lost;
    for (int i = 0; i < 100'000; ++i) lost.push_back(!link.offer(seconds(i), 1500));
    // Five standard deviations of a binomial are 345.
    EXPECT_NEAR(static_cast<double>(link.counts().lost), 5'000, 345);
    return lost;
  };
  EXPECT_EQ(losses(1), losses(1));
  EXPECT_NE(losses(1), losses(2));
}

TEST(NetworkLink, ACutLosesEverythingUntilItEnds) {
  auto link = direction(weather(0, 0, 0));
  link.cut(seconds(10));
  EXPECT_FALSE(link.offer(seconds(9), 100));
  EXPECT_TRUE(link.offer(seconds(10), 100));
  EXPECT_EQ(link.counts().cut_off, 1u);
}

// An IP packet of 40 bytes.
Bytes packet(uint8_t from, uint16_t from_port, uint8_t to, uint16_t to_port, uint8_t flags,
             uint8_t protocol = 6) {
  Bytes made(40);
  auto put = [&made](size_t at, unsigned value) { made[at] = static_cast<std::byte>(value); };
  put(0, 0x45);
  put(9, protocol);
  put(15, from);
  put(19, to);
  put(20, from_port >> 8u);
  put(21, from_port & 255u);
  put(22, to_port >> 8u);
  put(23, to_port & 255u);
  put(33, flags);
  return made;
}
constexpr uint8_t kSyn = 2, kSynAck = 18, kAck = 16;

TEST(NetworkFlows, APacketWithoutAConnectionIsDropped) {
  FlowTable flows(seconds(5));
  EXPECT_FALSE(flows.pass(seconds(0), packet(1, 7070, 2, 40000, kAck)));
  EXPECT_FALSE(flows.pass(seconds(0), packet(1, 7070, 2, 40000, kSynAck)));
  EXPECT_TRUE(flows.pass(seconds(0), packet(2, 40000, 1, 7070, kSyn)));
  EXPECT_TRUE(flows.pass(seconds(0), packet(1, 7070, 2, 40000, kSynAck)));
  EXPECT_TRUE(flows.pass(seconds(0), packet(2, 40000, 1, 7070, kAck)));
  EXPECT_FALSE(flows.pass(seconds(0), packet(2, 40001, 1, 7070, kAck))) << "another port";
  EXPECT_EQ(flows.dropped(), 3u);
}

TEST(NetworkFlows, EitherDirectionKeepsAConnectionAliveAndIdlenessEndsIt) {
  FlowTable flows(seconds(5));
  flows.pass(seconds(0), packet(2, 40000, 1, 7070, kSyn));
  EXPECT_TRUE(flows.pass(seconds(4), packet(1, 7070, 2, 40000, kAck)));
  EXPECT_TRUE(flows.pass(seconds(9), packet(2, 40000, 1, 7070, kAck)));
  EXPECT_FALSE(flows.pass(seconds(15), packet(2, 40000, 1, 7070, kAck)));
  EXPECT_FALSE(flows.pass(seconds(16), packet(1, 7070, 2, 40000, kAck))) << "it stays forgotten";
  EXPECT_TRUE(flows.pass(seconds(17), packet(2, 40000, 1, 7070, kSyn)));
  flows.forget();
  EXPECT_FALSE(flows.pass(seconds(17), packet(2, 40000, 1, 7070, kAck)));
}

TEST(NetworkFlows, WhatIsNotTcpPasses) {
  FlowTable flows(seconds(5));
  EXPECT_TRUE(flows.pass(seconds(0), packet(2, 40000, 1, 7070, 0, 17)));
  EXPECT_TRUE(flows.pass(seconds(0), Bytes(8)));
}

}  // namespace
}  // namespace atl::bench
