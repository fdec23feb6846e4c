// Frames that are none, or not where they belong.
#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

using wire::FrameKind;
using wire::Reason;

Verdict tell(Intruder& x, const Bytes& bytes) {
  x.write(bytes);
  return x.verdict();
}
Verdict tell_and_end(Intruder& x, const Bytes& bytes) {
  x.write(bytes);
  x.finish_writing();
  return x.verdict();
}

// Every bit of a frame in turn, each on a connection of its own. The first verdict that is neither
// a refusal nor the end; else `good`.
Verdict flip_every_bit(Intruder& x, size_t from, size_t to, Verdict good) {
  for (size_t bit = 8 * from; bit < 8 * to; ++bit) {
    Intruder one(x.ground());
    if (!one.arrive_with_certificate(x.name())) return one.verdict();
    const auto hello = wire::encode(wire::Hello{x.name(), 1, 0, "intruder"});
    auto frame = raw_header(static_cast<uint32_t>(hello.size())) + hello;
    if (to > frame.size()) to = frame.size();
    if (bit >= 8 * to) break;
    frame[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const auto verdict = tell_and_end(one, frame);
    if (verdict.kind != Verdict::Kind::kRefused && verdict.kind != Verdict::Kind::kClosed)
      return verdict;
  }
  return good;
}

}  // namespace

std::vector<Case> frame_cases() {
  const auto unexpected = refused(Reason::kUnexpected);
  return {
      {"a frame that ends in its header", Stage::kCertified, closed(), "",
       [](Intruder& x) { return tell_and_end(x, Bytes(5)); }},
      {"a frame that ends in its payload", Stage::kJoined, closed(), "",
       [](Intruder& x) { return tell_and_end(x, raw_header(100) + Bytes(50)); }},
      {"a chunk that ends in its data", Stage::kGranted, closed(), "",
       [](Intruder& x) { return tell_and_end(x, raw_header(1000, 2) + Bytes(500)); }},
      {"every bit of a header flipped", Stage::kCertified, unexpected, "",
       [](Intruder& x) {
         return flip_every_bit(x, 0, wire::kHeaderSize, refused(Reason::kUnexpected));
       }},
      {"every bit of a hello flipped", Stage::kCertified, unexpected, "",
       [](Intruder& x) {
         return flip_every_bit(x, wire::kHeaderSize, 64, refused(Reason::kUnexpected));
       }},
      {"version 2", Stage::kCertified, unexpected, "version 2, this program speaks 1",
       [](Intruder& x) { return tell(x, raw_header(4, 1, 2) + Bytes(4)); }},
      {"version 0", Stage::kCertified, unexpected, "version 0",
       [](Intruder& x) { return tell(x, raw_header(4, 1, 0) + Bytes(4)); }},
      {"version 255", Stage::kJoined, unexpected, "version 255",
       [](Intruder& x) { return tell(x, raw_header(4, 1, 255) + Bytes(4)); }},
      {"kind 0", Stage::kJoined, unexpected, "unknown kind 0",
       [](Intruder& x) { return tell(x, raw_header(4, 0)); }},
      {"kind 3", Stage::kJoined, unexpected, "unknown kind 3",
       [](Intruder& x) { return tell(x, raw_header(4, 3)); }},
      {"first reserved byte set", Stage::kJoined, unexpected, "reserved bytes",
       [](Intruder& x) { return tell(x, raw_header(4, 1, 1, 1)); }},
      {"second reserved byte set", Stage::kJoined, unexpected, "reserved bytes",
       [](Intruder& x) { return tell(x, raw_header(4, 1, 1, 0x8000)); }},
      {"length 0", Stage::kJoined, unexpected, "no known body",
       [](Intruder& x) { return tell(x, raw_header(0)); }},
      {"length 2^31", Stage::kJoined, unexpected, "length 2147483648 is over",
       [](Intruder& x) { return tell(x, raw_header(1u << 31)); }},
      {"length 2^32-1", Stage::kCertified, unexpected, "length 4294967295 is over",
       [](Intruder& x) { return tell(x, raw_header(0xffffffff)); }},
      {"chunk of length 2^32-1", Stage::kGranted, unexpected, "length 4294967295 is over",
       [](Intruder& x) { return tell(x, raw_header(0xffffffff, 2)); }},
      {"64 MiB of message before hello", Stage::kCertified, unexpected, "at most 131072",
       [](Intruder& x) {
         x.write(raw_header(64u << 20));
         const Bytes piece(1 << 20);
         for (int i = 0; i < 64 && x.write(piece); ++i) {
         }
         return x.verdict();
       }},
      {"64 MiB of message after joined", Stage::kJoined, unexpected, "at most 65536",
       [](Intruder& x) { return tell(x, raw_header(64u << 20) + Bytes(1 << 20)); }},
      {"a message of 64 KiB and a byte after joined", Stage::kJoined, unexpected, "at most 65536",
       [](Intruder& x) { return tell(x, raw_header((64u << 10) + 1)); }},
      {"64 MiB of join, of a run that has its model", Stage::kGreeted, unexpected,
       "at most 1048576", [](Intruder& x) { return tell(x, raw_header(64u << 20)); }},
      {"a chunk before hello", Stage::kCertified, unexpected, "a chunk where a message belongs",
       [](Intruder& x) {
         x.chunk(1, 0, Bytes(8));
         return x.verdict();
       }},
      {"a chunk instead of join", Stage::kGreeted, unexpected, "a chunk where a message belongs",
       [](Intruder& x) {
         x.chunk(1, 0, Bytes(8));
         return x.verdict();
       }},
      {"a chunk that nobody asked for", Stage::kJoined, unexpected,
       "a chunk where a message belongs",
       [](Intruder& x) {
         x.chunk(1, 0, Bytes(1 << 20));
         return x.verdict();
       }},
      {"a message among the chunks", Stage::kGranted, unexpected, "a chunk was expected",
       [](Intruder& x) {
         x.chunk(x.grant.transfer, 0, Bytes(64));
         x.say(wire::Ping{x.task.round, 1, 2});
         return x.verdict();
       }},
      {"a chunk shorter than its header", Stage::kGranted, unexpected, "shorter than its header",
       [](Intruder& x) {
         x.say_raw(Bytes(15), FrameKind::kChunk);
         return x.verdict();
       }},
  };
}

}  // namespace atl::bench
