#include "common/wire/glimpse.h"

#include <algorithm>
#include <iterator>

namespace atl::wire {
namespace {

struct Row {
  std::string_view name;
  uint8_t round = 0, value = 0;  // numbers of the fields; 0: none
};
constexpr Row kRows[] = {
    {"unknown"},     {"hello"},       {"welcome"},       {"join"},          {"joined"},
    {"next-task"},   {"task", 2, 1},  {"fetch", 1, 3},   {"ping", 1, 2},    {"pong", 0, 1},
    {"offer", 1, 2}, {"grant", 0, 2}, {"outcome", 0, 2}, {"refused", 0, 1}, {"bye"},
    {"enrol"},       {"enrolled"},    {"renew"},
};
// The fields looked for stand at a message's beginning.
constexpr int kMostFields = 8;

// Takes a varint off the front; false when there is none.
bool take_varint(ByteView& bytes, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes = bytes.subspan(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

constexpr uint64_t kVarint = 0, kEight = 1, kBytes = 2, kFour = 5;  // Protobuf's wire types

}  // namespace

Glimpse glimpse(ByteView payload) {
  Glimpse seen;
  uint64_t tag = 0, length = 0;
  if (!take_varint(payload, tag) || (tag & 7) != kBytes || !take_varint(payload, length)) return {};
  if (tag >> 3 == 0 || tag >> 3 >= std::size(kRows)) return {};
  seen.message = static_cast<uint8_t>(tag >> 3);
  const Row& row = kRows[seen.message];
  if (row.round == 0 && row.value == 0) return seen;
  ByteView body = payload.first(std::min<uint64_t>(length, payload.size()));
  for (int i = 0; i < kMostFields && take_varint(body, tag); ++i) {
    uint64_t number = 0;
    switch (tag & 7) {
      case kVarint:
        if (!take_varint(body, number)) return seen;
        if (tag >> 3 == row.round) seen.round = static_cast<uint32_t>(number);
        if (tag >> 3 == row.value) seen.value = number;
        break;
      case kBytes:
        if (!take_varint(body, number)) return seen;
        body = body.subspan(std::min<uint64_t>(number, body.size()));
        break;
      case kEight:
      case kFour:
        body = body.subspan(std::min<size_t>((tag & 7) == kEight ? 8 : 4, body.size()));
        break;
      default:
        return seen;
    }
  }
  return seen;
}

std::string_view name_of_message(uint8_t message) {
  return kRows[message < std::size(kRows) ? message : 0].name;
}

}  // namespace atl::wire
