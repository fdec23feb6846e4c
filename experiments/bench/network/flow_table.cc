#include "experiments/bench/network/flow_table.h"

namespace atl::bench {
namespace {

constexpr uint8_t kTcp = 6, kSyn = 0x02, kAck = 0x10;

}  // namespace

bool FlowTable::pass(LinkTime now, ByteView packet) {
  auto byte = [packet](size_t at) { return std::to_integer<uint32_t>(packet[at]); };
  if (packet.size() < 20 || byte(0) >> 4 != 4 || byte(9) != kTcp) return true;
  const size_t tcp = size_t{byte(0) & 15} * 4;
  if (packet.size() < tcp + 20) return true;
  auto end_at = [&byte](size_t address, size_t port) {
    return End{
        byte(address) << 24 | byte(address + 1) << 16 | byte(address + 2) << 8 | byte(address + 3),
        static_cast<uint16_t>(byte(port) << 8 | byte(port + 1))};
  };
  Flow flow{end_at(12, tcp), end_at(16, tcp + 2)};
  if (flow.second < flow.first) std::swap(flow.first, flow.second);
  const bool begins = (byte(tcp + 13) & (kSyn | kAck)) == kSyn;
  const auto found = last_.find(flow);
  const bool known = found != last_.end() && now - found->second <= idle_;
  if (!known && !begins) {
    ++dropped_;
    return false;
  }
  last_[flow] = now;
  return true;
}

}  // namespace atl::bench
