// Counts the tensors of a `join` before Protobuf makes an object of each: an empty one takes two
// bytes on the wire and a hundred in memory.
#pragma once

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::wire {

// kProtocol when the payload of a control frame holds more than Manifest::kMaxTensors tensors, or
// one whose description is longer than any valid one; also on what Protobuf would refuse, as far as
// it was looked at. Other messages pass.
Status check_join_bounds(ByteView payload);

}  // namespace atl::wire
