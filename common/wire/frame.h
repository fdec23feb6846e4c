// Frames: the only thing that stands on a connection. wire.md describes every byte.
//
//   0..3   payload length, u32 little-endian
//   4      kind (FrameKind)
//   5      protocol version (kVersion)
//   6..7   zero
//   8..    payload
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace atl::wire {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderSize = 8;

enum class FrameKind : uint8_t {
  kControl = 1,  // one serialized control.proto Message, at most kMaxControl bytes
  kChunk = 2,    // ChunkHeader, then raw flat bytes, at most kMaxChunk of them
};

constexpr uint32_t kMaxControl = 64u << 20;  // a manifest of many tensors fits; see wire.md
constexpr uint32_t kMaxChunk = 8u << 20;
constexpr uint32_t kChunkSize = 256u << 10;  // what Atoll sends: stays in the second-level cache
constexpr size_t kChunkHeaderSize = 16;

struct FrameHeader {
  uint32_t length = 0;
  FrameKind kind = FrameKind::kControl;
};
constexpr uint32_t max_payload(FrameKind kind) {
  return kind == FrameKind::kControl ? kMaxControl : kMaxChunk + kChunkHeaderSize;
}

// transfer: which transfer this piece belongs to (chosen by the side that asked for it). offset:
// first flat byte.
struct ChunkHeader {
  uint64_t transfer = 0;
  uint64_t offset = 0;
};

std::array<std::byte, kHeaderSize> encode(const FrameHeader& header);
// kProtocol, naming the field, on a wrong version, unknown kind, reserved byte or length over the
// limit.
Result<FrameHeader> decode_header(ByteView bytes);
std::array<std::byte, kChunkHeaderSize> encode(const ChunkHeader& header);
Result<ChunkHeader> decode_chunk(ByteView payload, ByteView& data);

}  // namespace atl::wire
