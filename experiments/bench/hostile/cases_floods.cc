// Too much, too slow, or nothing at all.
#include <memory>
#include <thread>

#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

using wire::Reason;
using Clock = std::chrono::steady_clock;

// A byte a second until the connection ends.
Verdict drip(Intruder& x, const Bytes& bytes) {
  for (const std::byte one : bytes) {
    if (!x.write(Bytes(1, one))) break;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return x.verdict();
}
// The first bytes of a TLS record of 512 bytes.
Bytes begun_handshake(size_t size) {
  constexpr unsigned kHeader[] = {0x16, 3, 1, 2, 0};
  Bytes bytes(size, std::byte{1});
  for (size_t i = 0; i < std::min(size, std::size(kHeader)); ++i)
    bytes[i] = static_cast<std::byte>(kHeader[i]);
  return bytes;
}
// Is there still room for an honest client?
Verdict served(const Intruder& x, const std::string& name) {
  Intruder honest(x.ground());
  if (!honest.arrive_with_certificate(name) || !honest.greet() || !honest.join())
    return honest.verdict();
  honest.say(wire::Ping{0, 0, 0});
  return honest.next();
}

}  // namespace

std::vector<Case> flood_cases() {
  return {
      {"a connection and silence", Stage::kTcp, closed(), "",
       [](Intruder& x) { return x.verdict(); }, true},
      {"a handshake half-way, then silence", Stage::kTcp, closed(), "",
       [](Intruder& x) {
         x.write(begun_handshake(5));
         return x.verdict();
       },
       true},
      {"a handshake of a byte a second", Stage::kTcp, closed(), "",
       [](Intruder& x) { return drip(x, begun_handshake(60)); }, true},
      {"a handshake without a certificate, then silence", Stage::kStranger, closed(), "",
       [](Intruder& x) { return x.verdict(); }, true},
      {"a handshake with a certificate, then silence", Stage::kCertified, closed(), "",
       [](Intruder& x) { return x.verdict(); }, true},
      {"a hello of a byte a second", Stage::kCertified, closed(), "",
       [](Intruder& x) { return drip(x, raw_header(60) + Bytes(52)); }, true},
      {"a join of a byte a second", Stage::kGreeted, closed(), "",
       [](Intruder& x) { return drip(x, raw_header(1000) + Bytes(52)); }, true},
      {"1,000 connections, each closed at once", Stage::kNothing, answered(), "pong",
       [](Intruder& x) {
         for (int i = 0; i < 1000; ++i) {
           Intruder one(x.ground());
           if (!one.connect()) return one.verdict();
         }
         return served(x, "after-connections");
       }},
      {"100 handshakes, each reset", Stage::kNothing, answered(), "pong",
       [](Intruder& x) {
         for (int i = 0; i < 100; ++i) {
           Intruder one(x.ground());
           if (!one.connect() || !one.shake_hands(nullptr)) return one.verdict();
           one.vanish();
         }
         return served(x, "after-resets");
       }},
      {"200 strangers who stay", Stage::kNothing, closed(), "",
       [](Intruder& x) {
         std::vector<std::unique_ptr<Intruder>> all;
         for (int i = 0; i < 200; ++i) {
           all.push_back(std::make_unique<Intruder>(x.ground()));
           if (!all.back()->connect() || !all.back()->shake_hands(nullptr))
             return all.back()->verdict();
         }
         if (const auto room = served(x, "after-strangers"); !(room == answered())) return room;
         all.front()->set_patience(std::chrono::seconds(5));
         const auto begun = Clock::now();
         auto end = all.front()->verdict();
         // At once, not when its time is up.
         if (Clock::now() - begun > std::chrono::seconds(5)) end.kind = Verdict::Kind::kSilence;
         return end;
       }},
      {"1,000 pings without listening", Stage::kJoined, answered(), "pong",
       [](Intruder& x) {
         Bytes all;
         const auto ping = wire::encode(wire::Ping{1, 1, 1});
         for (int i = 0; i < 1000; ++i)
           all = std::move(all) + raw_header(static_cast<uint32_t>(ping.size())) + ping;
         x.write(all);
         for (int i = 0; i < 999; ++i) {
           if (const auto one = x.next(); !(one == answered())) return one;
         }
         return x.next();
       }},
      {"1,000 fetches without listening", Stage::kWorking, answered(), "pong",
       [](Intruder& x) {
         const auto fetch = wire::encode(wire::Fetch{x.task.round, 1, 0});
         for (int i = 0; i < 1000; ++i) x.say_raw(fetch);
         std::this_thread::sleep_for(std::chrono::seconds(1));
         x.vanish();
         return served(x, "after-fetches");
       }},
      {"100 connections of one certificate", Stage::kNothing, answered(), "pong",
       [](Intruder& x) {
         const auto identity = x.ground().mint("many");
         std::vector<std::unique_ptr<Intruder>> all;
         for (int i = 0; i < 100 && identity; ++i) {
           all.push_back(std::make_unique<Intruder>(x.ground()));
           if (!all.back()->connect() || !all.back()->shake_hands(&*identity))
             return all.back()->verdict();
         }
         return served(x, "after-many");
       }},
  };
}

}  // namespace atl::bench
