// What a control frame is, by a look at its first fields: for records of what passed, where
// decoding it a second time would cost too much. wire.md tells the numbers of messages and fields.
#pragma once

#include <string_view>

#include "common/core/bytes.h"

namespace atl::wire {

struct Glimpse {
  uint8_t message = 0;  // its number in wire.md; 0: none that version 1 knows
  uint32_t round = 0;   // of a task, fetch, ping or offer
  // Of a task its kind, of a fetch or grant the offset, of a ping the steps done, of a pong whether
  // the round is open, of an offer the update's bytes, of an outcome or refused the reason.
  uint64_t value = 0;
};

// Takes any bytes. Of a valid message it tells what wire::decode() would, unless the message says
// the same field twice.
Glimpse glimpse(ByteView payload);
// "hello", "offer", ... as wire::name_of(); "unknown" for any other number.
std::string_view name_of_message(uint8_t message);

}  // namespace atl::wire
