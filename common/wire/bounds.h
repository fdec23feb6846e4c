// What is looked at in a control message's bytes before they are parsed: parsing makes an object of
// every two bytes that claim to be a tensor, 45 times what arrived. Included by message.cc only.
#pragma once

#include "common/core/bytes.h"

namespace atl::wire {

// True when the joins of a serialized Message hold more than `limit` tensors in all. Allocates
// nothing; malformed bytes are the parser's to refuse.
bool has_more_tensors(ByteView payload, size_t limit);

}  // namespace atl::wire
