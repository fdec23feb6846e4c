#include "experiments/bench/hostile/cases.h"

namespace atl::bench {
namespace {

void put_varint(Bytes& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

bool go_to(Intruder& intruder, Stage stage, const std::string& name) {
  switch (stage) {
    case Stage::kNothing:
      return true;
    case Stage::kTcp:
      return intruder.connect();
    case Stage::kStranger:
      return intruder.connect() && intruder.shake_hands(nullptr);
    default:
      break;
  }
  if (!intruder.arrive_with_certificate(name)) return false;
  if (stage >= Stage::kGreeted && !intruder.greet()) return false;
  if (stage >= Stage::kJoined && !intruder.join()) return false;
  if (stage >= Stage::kWorking && !intruder.work()) return false;
  return stage < Stage::kGranted || intruder.offer(good_update(intruder.ground().manifest));
}

}  // namespace

Bytes field(uint64_t number, uint64_t value) {
  Bytes out;
  put_varint(out, number << 3);
  put_varint(out, value);
  return out;
}
Bytes field(uint64_t number, ByteView body) {
  Bytes out;
  put_varint(out, number << 3 | 2);
  put_varint(out, body.size());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}
Bytes text_field(uint64_t number, std::string_view text) { return field(number, as_bytes(text)); }
Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes raw_header(uint32_t length, unsigned kind, unsigned version, unsigned reserved) {
  Bytes bytes(wire::kHeaderSize);
  for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(length >> (8 * i));
  bytes[4] = static_cast<std::byte>(kind);
  bytes[5] = static_cast<std::byte>(version);
  bytes[6] = static_cast<std::byte>(reserved);
  bytes[7] = static_cast<std::byte>(reserved >> 8);
  return bytes;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (auto* group :
       {frame_cases, message_cases, manifest_cases, update_cases, identity_cases, flood_cases}) {
    const auto cases = group();
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

Verdict perform(const Ground& ground, const Case& one, const std::string& name) {
  Intruder intruder(ground);
  if (!go_to(intruder, one.stage, name)) {
    auto end = intruder.verdict();
    end.text = "not there: " + end.in_words();
    end.kind = Verdict::Kind::kSilence;
    return end;
  }
  return one.act(intruder);
}

}  // namespace atl::bench
