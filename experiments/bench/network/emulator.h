// Two network namespaces with an emulated link between them. Programs and sockets inside are real,
// and so is their TCP; only the link is not.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "experiments/bench/network/flow_table.h"
#include "experiments/bench/network/link.h"
#include "experiments/bench/network/namespace.h"

namespace atl::bench {

struct LinkPlan {
  Weather weather;
  uint64_t seed = 1;
  std::string congestion;                   // TCP's, on both sides; empty: the kernel's choice
  std::optional<std::chrono::seconds> nat;  // flows idle for longer are forgotten
};

class EmulatedLink {
 public:
  static constexpr const char* kServer = "10.77.0.1";
  static constexpr const char* kClients = "10.77.0.2";

  // kUnsupported where there are no namespaces.
  static Result<std::unique_ptr<EmulatedLink>> make(const LinkPlan& plan);
  ~EmulatedLink();
  EmulatedLink(const EmulatedLink&) = delete;
  EmulatedLink& operator=(const EmulatedLink&) = delete;

  const NetworkNamespace& server_side() const { return server_; }
  const NetworkNamespace& client_side() const { return clients_; }

  // From any thread: loses everything for so long, beginning now.
  void cut(std::chrono::milliseconds time);
  // From any thread: no packet of a connection that is open now passes any more.
  void forget_flows();

  struct Traffic {
    LinkDirection::Counts down, up;  // from and to the server
    size_t forgotten = 0;            // packets of forgotten flows
  };
  Traffic traffic() const;

 private:
  struct Packet {
    LinkTime due;
    Bytes bytes;
  };
  struct Way {
    int from, to;
    LinkDirection link;
    std::deque<Packet> under_way;  // in the order of their arrival
  };

  EmulatedLink(NetworkNamespace server, NetworkNamespace clients, const LinkPlan& plan);
  void run();
  bool take(Way& way);
  void deliver(Way& way);
  LinkTime now() const { return std::chrono::steady_clock::now() - begun_; }

  NetworkNamespace server_, clients_;
  const std::chrono::steady_clock::time_point begun_;
  mutable std::mutex mutex_;  // of what follows; the emulator's thread holds it while it works
  Way down_, up_;
  FlowTable flows_;
  Bytes buffer_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace atl::bench
