#include "common/wire/frame.h"

namespace atl::wire {
namespace {

template <typename Word>
void put(std::byte* out, Word value) {
  for (size_t i = 0; i < sizeof(Word); ++i) out[i] = static_cast<std::byte>(value >> (8 * i));
}
template <typename Word>
Word get(const std::byte* in) {
  Word value = 0;
  for (size_t i = 0; i < sizeof(Word); ++i)
    value |= static_cast<Word>(std::to_integer<Word>(in[i]) << (8 * i));
  return value;
}

Error bad(const std::string& why) { return Error(ErrorCode::kProtocol, "bad frame: " + why); }

}  // namespace

std::array<std::byte, kHeaderSize> encode(const FrameHeader& header) {
  std::array<std::byte, kHeaderSize> out{};
  put<uint32_t>(out.data(), header.length);
  out[4] = static_cast<std::byte>(header.kind);
  out[5] = static_cast<std::byte>(kVersion);
  return out;
}

Result<FrameHeader> decode_header(ByteView bytes) {
  ATOLL_CHECK(bytes.size() >= kHeaderSize, "a whole header");
  const auto version = std::to_integer<unsigned>(bytes[5]);
  if (version != kVersion) {
    return bad("protocol version " + std::to_string(version) + ", this program speaks " +
               std::to_string(kVersion));
  }
  const auto kind = std::to_integer<unsigned>(bytes[4]);
  if (kind != static_cast<unsigned>(FrameKind::kControl) &&
      kind != static_cast<unsigned>(FrameKind::kChunk)) {
    return bad("unknown kind " + std::to_string(kind));
  }
  if (bytes[6] != std::byte{0} || bytes[7] != std::byte{0})
    return bad("reserved bytes are not zero");
  FrameHeader header{get<uint32_t>(bytes.data()), static_cast<FrameKind>(kind)};
  if (header.length > max_payload(header.kind)) {
    return bad("length " + std::to_string(header.length) + " is over the limit of " +
               std::to_string(max_payload(header.kind)));
  }
  return header;
}

std::array<std::byte, kChunkHeaderSize> encode(const ChunkHeader& header) {
  std::array<std::byte, kChunkHeaderSize> out{};
  put<uint64_t>(out.data(), header.transfer);
  put<uint64_t>(out.data() + 8, header.offset);
  return out;
}

Result<ChunkHeader> decode_chunk(ByteView payload, ByteView& data) {
  if (payload.size() < kChunkHeaderSize) return bad("a chunk shorter than its header");
  data = payload.subspan(kChunkHeaderSize);
  return ChunkHeader{get<uint64_t>(payload.data()), get<uint64_t>(payload.data() + 8)};
}

}  // namespace atl::wire
