#include "common/wire/join_bounds.h"

#include "common/tensor/manifest.h"

namespace atl::wire {
namespace {

// Field numbers of control.proto.
constexpr uint64_t kJoin = 3, kTensors = 1;
// A name, eight extents and two small numbers.
constexpr uint64_t kLongestTensor = 256 + 8 * 10 + 32;

Error malformed(const char* what) {
  return Error(ErrorCode::kProtocol, std::string("malformed control message: ") + what);
}

bool read_varint(ByteView& in, uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 70 && !in.empty(); shift += 7) {
    const auto byte = std::to_integer<uint64_t>(in.front());
    in = in.subspan(1);
    if (shift < 64) out |= (byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// The next field; `body` is empty unless it is one with a length. False when there is none.
struct Field {
  uint64_t number = 0;
  bool has_length = false;
  ByteView body;
};
bool next_field(ByteView& in, Field& out) {
  uint64_t tag = 0, size = 0;
  if (!read_varint(in, tag)) return false;
  out = {tag >> 3, false, {}};
  switch (tag & 7) {
    case 0:
      return read_varint(in, size);
    case 1:
      size = 8;
      break;
    case 2:
      if (!read_varint(in, size)) return false;
      out.has_length = true;
      break;
    case 5:
      size = 4;
      break;
    default:  // groups, which no message here has
      return false;
  }
  if (size > in.size()) return false;
  if (out.has_length) out.body = in.first(size);
  in = in.subspan(size);
  return true;
}

}  // namespace

Status check_join_bounds(ByteView payload) {
  size_t tensors = 0;
  for (Field outer; !payload.empty();) {
    if (!next_field(payload, outer)) return malformed("not a version 1 message");
    if (outer.number != kJoin || !outer.has_length) continue;
    for (Field inner; !outer.body.empty();) {
      if (!next_field(outer.body, inner)) return malformed("not a version 1 message");
      if (inner.number != kTensors) continue;
      if (++tensors > Manifest::kMaxTensors) return malformed("join has too many tensors");
      if (inner.body.size() > kLongestTensor)
        return malformed("join has a tensor whose description is too long");
    }
  }
  return {};
}

}  // namespace atl::wire
