// Event: one thing that happened on a session, in 24 bytes and without a pointer.
#pragma once

#include <cstdint>
#include <string_view>

namespace atl::flight {

enum class Way : uint8_t {
  kIn,     // a frame has arrived; `what` is its message's number in wire.md, 0 for a chunk
  kOut,    // a frame is given to the transport; likewise
  kState,  // `what` is a State
  kError,  // `what` is an ErrorCode
};

enum class State : uint8_t {
  kConnecting,  // a client looks for its server
  kConnected,   // the transport has proof of who is there, as far as there is any
  kGreeting,    // the server's stages of a session (wire.md, what is taken until when)
  kJoining,
  kJoined,
  kUploading,
  kMissedDeadline,  // no progress in the round for `timeouts.progress_s`
  kBlamed,          // it broke the protocol, and that costs it the round
  kClosed,          // by this side
  kEnded,           // the session is over
  kRoundOpened,     // value: participants
  kRoundClosed,     // value: updates
  kRoundVoid,       // value: updates; fewer than the quorum
  kPostponed,       // this process was frozen; value: milliseconds that every deadline moved
};
constexpr uint8_t kStates = 14;
std::string_view to_string(State state);  // "missed_deadline", ...

constexpr uint8_t kAnyMessage = 0xff;  // a control frame that is no message of version 1

struct Event {
  uint64_t at : 48 = 0;  // microseconds since the recorder began: nine years
  uint64_t way : 8 = 0;
  uint64_t what : 8 = 0;
  // Of a chunk its offset; of a message as wire::Glimpse; of a state as above.
  uint64_t value : 44 = 0;
  uint64_t times : 20 = 1;  // how many of the kind this event stands for; the fields are the last's
  uint32_t bytes = 0;       // of the payload
  uint32_t round = 0;       // 0 where none is known
};
static_assert(sizeof(Event) == 24);
constexpr uint64_t kMostValue = (uint64_t{1} << 44) - 1;
constexpr uint64_t kMostTimes = (uint64_t{1} << 20) - 1;

}  // namespace atl::flight
