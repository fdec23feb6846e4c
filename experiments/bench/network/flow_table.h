// What a NAT or a stateful firewall remembers of TCP over IPv4: a connection begins with its SYN,
// and is forgotten when it was idle for too long. What belongs to no connection is dropped without
// a word, so that both ends go on believing in it.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "common/core/bytes.h"
#include "experiments/bench/network/link.h"

namespace atl::bench {

class FlowTable {
 public:
  explicit FlowTable(LinkTime idle) : idle_(idle) {}

  // True when this IP packet passes, in either direction. What is not TCP over IPv4 passes.
  bool pass(LinkTime now, ByteView packet);
  // All connections that it knows now are forgotten.
  void forget() { last_.clear(); }
  size_t dropped() const { return dropped_; }

 private:
  using End = std::pair<uint32_t, uint16_t>;  // address, port
  using Flow = std::pair<End, End>;           // the smaller end first
  LinkTime idle_;
  std::map<Flow, LinkTime> last_;
  size_t dropped_ = 0;
};

}  // namespace atl::bench
