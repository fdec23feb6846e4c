#include "common/wire/bounds.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "control.pb.h"

namespace atl::wire {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr uint32_t tag_of(int field) {
  return static_cast<uint32_t>(field) << 3 | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
}

}  // namespace

bool has_more_tensors(ByteView payload, size_t limit) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(payload.data()),
                      static_cast<int>(payload.size()));
  size_t tensors = 0;
  while (const uint32_t tag = in.ReadTag()) {
    if (tag != tag_of(pb::Message::kJoinFieldNumber)) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    int length = 0;
    if (!in.ReadVarintSizeAsInt(&length)) return false;
    const auto end = in.PushLimit(length);
    while (const uint32_t field = in.ReadTag()) {
      if (field == tag_of(pb::Join::kTensorsFieldNumber) && ++tensors > limit) return true;
      if (!WireFormatLite::SkipField(&in, field)) return false;
    }
    in.PopLimit(end);
  }
  return false;
}

}  // namespace atl::wire
