#include "experiments/bench/network/emulator.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

namespace atl::bench {
namespace {

constexpr size_t kMost = 2048;  // bytes of a packet; the MTU is 1500
constexpr int kBurst = 64;      // packets taken from one side before the other has its turn
constexpr auto kLook = std::chrono::milliseconds(20);
constexpr auto kForEver = std::chrono::hours(24 * 365);

}  // namespace

Result<std::unique_ptr<EmulatedLink>> EmulatedLink::make(const LinkPlan& plan) {
  ATOLL_ASSIGN(auto server, NetworkNamespace::make(kServer, plan.congestion));
  ATOLL_ASSIGN(auto clients, NetworkNamespace::make(kClients, plan.congestion));
  return std::unique_ptr<EmulatedLink>(
      new EmulatedLink(std::move(server), std::move(clients), plan));
}

EmulatedLink::EmulatedLink(NetworkNamespace server, NetworkNamespace clients, const LinkPlan& plan)
    : server_(std::move(server)),
      clients_(std::move(clients)),
      begun_(std::chrono::steady_clock::now()),
      down_{server_.tun(), clients_.tun(), LinkDirection(plan.weather, plan.seed, "down"), {}},
      up_{clients_.tun(), server_.tun(), LinkDirection(plan.weather, plan.seed, "up"), {}},
      flows_(plan.nat ? LinkTime(*plan.nat) : LinkTime(kForEver)),
      buffer_(kMost),
      thread_([this] { run(); }) {}

EmulatedLink::~EmulatedLink() {
  stop_ = true;
  thread_.join();
}

void EmulatedLink::cut(std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  down_.link.cut(now() + time);
  up_.link.cut(now() + time);
}

void EmulatedLink::forget_flows() {
  const std::lock_guard lock(mutex_);
  flows_.forget();
}

EmulatedLink::Traffic EmulatedLink::traffic() const {
  const std::lock_guard lock(mutex_);
  return {down_.link.counts(), up_.link.counts(), flows_.dropped()};
}

// True when there may be more.
bool EmulatedLink::take(Way& way) {
  for (int i = 0; i < kBurst; ++i) {
    const ssize_t size = ::read(way.from, buffer_.data(), buffer_.size());
    if (size <= 0) return false;
    const auto packet = ByteView(buffer_).first(static_cast<size_t>(size));
    const auto time = now();
    if (!flows_.pass(time, packet)) continue;
    if (const auto due = way.link.offer(time, packet.size()))
      way.under_way.push_back({*due, Bytes(packet.begin(), packet.end())});
  }
  return true;
}

void EmulatedLink::deliver(Way& way) {
  while (!way.under_way.empty() && way.under_way.front().due <= now()) {
    const auto& bytes = way.under_way.front().bytes;
    (void)::write(way.to, bytes.data(), bytes.size());  // a device that is full has lost it
    way.under_way.pop_front();
  }
}

void EmulatedLink::run() {
  // A late packet is another delay than the one asked for. Where the priority is not given, a busy
  // machine's delays are added.
  ::prctl(PR_SET_TIMERSLACK, 1000);
  sched_param priority{};
  priority.sched_priority = 1;
  ::pthread_setschedparam(::pthread_self(), SCHED_RR, &priority);
  for (bool more = false; !stop_;) {
    auto wait = std::chrono::duration_cast<LinkTime>(kLook);
    {
      const std::lock_guard lock(mutex_);
      for (const auto* way : {&down_, &up_})
        if (!way->under_way.empty()) wait = std::min(wait, way->under_way.front().due - now());
    }
    if (more || wait.count() < 0) wait = LinkTime{0};
    pollfd ready[] = {{down_.from, POLLIN, 0}, {up_.from, POLLIN, 0}};
    const timespec limit{0, static_cast<long>(wait.count())};
    ::ppoll(ready, 2, &limit, nullptr);
    const std::lock_guard lock(mutex_);
    more = (ready[0].revents & POLLIN) != 0 && take(down_);
    if ((ready[1].revents & POLLIN) != 0) more = take(up_) || more;
    deliver(down_);
    deliver(up_);
  }
}

}  // namespace atl::bench
