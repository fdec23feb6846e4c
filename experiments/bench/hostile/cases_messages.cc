// Messages that cannot be read, or come when they should not, or say what cannot be.
#include <cstring>
#include <limits>

#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

using wire::Reason;

constexpr uint64_t kHuge = 1ull << 63;

Verdict say(Intruder& x, const wire::Message& message) {
  x.say(message);
  return x.verdict();
}
Verdict say_raw(Intruder& x, const Bytes& payload) {
  x.say_raw(payload);
  return x.verdict();
}
Bytes hello_named(std::string_view name) {
  return field(1, text_field(1, name) + field(2, uint64_t{1}));
}
// An offer whose report is this.
Bytes offer_with(const Intruder& x, const Bytes& report) {
  const Bytes digest(32);
  return field(10, field(1, x.task.round) + field(2, x.ground().manifest.total_bytes()) +
                       field(3, ByteView(digest)) + field(4, ByteView(report)));
}
Bytes double_field(uint64_t number, double value) {
  Bytes out(1 + sizeof(value));
  out[0] = static_cast<std::byte>(number << 3 | 1);
  std::memcpy(&out[1], &value, sizeof(value));
  return out;
}

}  // namespace

std::vector<Case> message_cases() {
  const auto unexpected = refused(Reason::kUnexpected);
  return {
      {"garbage for a message", Stage::kJoined, unexpected, "not a version 1 message",
       [](Intruder& x) { return say_raw(x, Bytes(1000, std::byte{0xff})); }},
      {"messages nested 10,000 deep", Stage::kJoined, unexpected, "",
       [](Intruder& x) {
         Bytes nested;
         for (int i = 0; i < 10'000 && nested.size() < 60'000; ++i) nested = field(1, nested);
         return say_raw(x, nested);
       }},
      {"groups nested 10,000 deep", Stage::kJoined, unexpected, "not a version 1 message",
       [](Intruder& x) { return say_raw(x, Bytes(10'000, std::byte{0x1b})); }},
      {"only fields that nobody knows", Stage::kJoined, unexpected, "no known body",
       [](Intruder& x) { return say_raw(x, text_field(99, "x") + field(77, uint64_t{1})); }},
      {"a message with fields that nobody knows, beside a known one", Stage::kJoined, answered(),
       "pong",
       [](Intruder& x) {
         x.say_raw(field(8, field(1, uint64_t{1}) + text_field(50, "later")) + field(60, kHuge));
         return x.next();
       }},
      {"a message that only a server says", Stage::kJoined, unexpected, "not for a server",
       [](Intruder& x) {
         return say(x, wire::Grant{1, 2});
       }},
      {"join before hello", Stage::kCertified, unexpected, "must be hello",
       [](Intruder& x) { return say(x, wire::Join{x.ground().manifest}); }},
      {"an offer before hello", Stage::kCertified, unexpected, "must be hello",
       [](Intruder& x) { return say(x, offer_of(1, good_update(x.ground().manifest))); }},
      {"next_task instead of join", Stage::kGreeted, unexpected, "after welcome comes join",
       [](Intruder& x) { return say(x, wire::NextTask{}); }},
      {"hello twice", Stage::kGreeted, unexpected, "after welcome comes join",
       [](Intruder& x) {
         return say(x, wire::Hello{x.name(), 1, 0, ""});
       }},
      {"hello after joined", Stage::kJoined, unexpected, "hello is not for a server",
       [](Intruder& x) {
         return say(x, wire::Hello{x.name(), 1, 0, ""});
       }},
      {"join twice", Stage::kJoined, unexpected, "join is not for a server",
       [](Intruder& x) { return say(x, wire::Join{x.ground().manifest}); }},
      {"hello with a path for a name", Stage::kCertified, unexpected, "hello.client",
       [](Intruder& x) { return say_raw(x, hello_named("../../etc/passwd")); }},
      {"hello with control characters for a name", Stage::kCertified, unexpected, "hello.client",
       [](Intruder& x) { return say_raw(x, hello_named("a\x1b[2J\r\n\x01")); }},
      {"hello without a name", Stage::kCertified, unexpected, "hello.client",
       [](Intruder& x) { return say_raw(x, hello_named("")); }},
      {"hello with a name of 65 letters", Stage::kCertified, unexpected, "hello.client",
       [](Intruder& x) { return say_raw(x, hello_named(std::string(65, 'a'))); }},
      {"hello with a name that is not UTF-8", Stage::kCertified, unexpected, "malformed",
       [](Intruder& x) { return say_raw(x, hello_named("\xff\xfe")); }},
      {"hello with neither training nor test examples", Stage::kCertified, refused(Reason::kNoData),
       "",
       [](Intruder& x) {
         return say(x, wire::Hello{x.name(), 0, 0, ""});
       }},
      {"ping with steps that go back", Stage::kWorking, answered(), "pong",
       [](Intruder& x) {
         wire::Message pong;
         for (const uint64_t steps : {uint64_t{100}, uint64_t{5}, uint64_t{0}}) {
           x.say(wire::Ping{x.task.round, steps, 200});
           if (!x.hear(pong) || !std::holds_alternative<wire::Pong>(pong)) return x.verdict();
         }
         x.say(wire::Ping{x.task.round, 4, 200});
         return x.next();
       }},
      {"ping with 2^64-1 steps", Stage::kWorking, answered(), "pong",
       [](Intruder& x) {
         const auto most = std::numeric_limits<uint64_t>::max();
         x.say(wire::Ping{x.task.round, most, most});
         return x.next();
       }},
      {"ping for round 2^32-1", Stage::kWorking, answered(), "pong",
       [](Intruder& x) {
         x.say(wire::Ping{0xffffffff, 1, 1});
         return x.next();
       }},
      {"fetch of a round that is long closed", Stage::kWorking, refused(Reason::kStaleRound),
       "round 0 is closed",
       [](Intruder& x) {
         return say(x, wire::Fetch{0, 1, 0});
       }},
      {"fetch of a round to come", Stage::kWorking, refused(Reason::kStaleRound), "is closed",
       [](Intruder& x) {
         return say(x, wire::Fetch{x.task.round + 100'000, 1, 0});
       }},
      {"fetch from an odd byte", Stage::kWorking, refused(Reason::kWrongSize), "from byte 3",
       [](Intruder& x) {
         return say(x, wire::Fetch{x.task.round, 1, 3});
       }},
      {"fetch beyond the end", Stage::kWorking, refused(Reason::kWrongSize), "cannot be fetched",
       [](Intruder& x) {
         return say(x, wire::Fetch{x.task.round, 1, x.ground().manifest.total_bytes() + 8});
       }},
      {"fetch from byte 2^63", Stage::kWorking, refused(Reason::kWrongSize), "cannot be fetched",
       [](Intruder& x) {
         return say(x, wire::Fetch{x.task.round, 1, kHuge});
       }},
      {"an offer of 2^63 bytes", Stage::kWorking, unexpected, "offer.update_bytes",
       [](Intruder& x) {
         const Bytes digest(32);
         return say_raw(
             x, field(10, field(1, x.task.round) + field(2, kHuge) + field(3, ByteView(digest))));
       }},
      {"an offer with a digest of 31 bytes", Stage::kWorking, unexpected, "not 32 bytes",
       [](Intruder& x) {
         const Bytes digest(31);
         return say_raw(x, field(10, field(1, x.task.round) + field(3, ByteView(digest))));
       }},
      {"a report of 2^63 examples", Stage::kWorking, unexpected, "report.examples",
       [](Intruder& x) { return say_raw(x, offer_with(x, field(1, kHuge))); }},
      {"a report with a loss that is not a number", Stage::kWorking, unexpected,
       "report.train_loss",
       [](Intruder& x) {
         return say_raw(x,
                        offer_with(x, double_field(3, std::numeric_limits<double>::quiet_NaN())));
       }},
      {"a report that took forever", Stage::kWorking, unexpected, "report.seconds",
       [](Intruder& x) {
         return say_raw(x, offer_with(x, double_field(5, std::numeric_limits<double>::infinity())));
       }},
      {"a report with more right answers than questions", Stage::kWorking, unexpected,
       "impossible counts",
       [](Intruder& x) {
         const auto evaluation = field(1, uint64_t{10}) + field(2, uint64_t{11});
         return say_raw(x, offer_with(x, field(6, ByteView(evaluation))));
       }},
      {"an offer from no examples", Stage::kWorking, outcome(Reason::kNoData), "no examples",
       [](Intruder& x) {
         auto offer = offer_of(x.task.round, good_update(x.ground().manifest));
         offer.report.examples = 0;
         return say(x, offer);
       }},
  };
}

}  // namespace atl::bench
