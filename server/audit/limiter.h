// Which entries of the audit log are written, and which are only counted, so that nobody fills the
// disk with it. Of one kind of event and one client (or one address, where no certificate proves a
// client), the first few in a minute are written; the rest become one line with their number.
// Lines about strangers come out of one budget besides: who has many addresses has no more of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/audit/audit_log.h"

namespace atl::server {

// The host of "host:port"; of an IPv6 address its /64 network, which is one customer's.
std::string network_of(const std::string& address);

class AuditLimiter {
 public:
  static constexpr int kOfStranger = 3;         // lines a minute and address
  static constexpr int kOfClient = 20;          // lines a minute and client
  static constexpr double kBudget = 200;        // lines about strangers at once ...
  static constexpr double kBudgetAMinute = 10;  // ... and from then on
  static constexpr size_t kPlaces = 1024;       // addresses of strangers told apart

  struct Counted {
    AuditEntry entry;  // the last of them, with the address's host only
    uint64_t count = 0;
  };

  // False when the entry is to be counted only.
  bool admit(const AuditEntry& entry, net::WallTime now);
  // The counts whose minute is over; `all`: every count.
  std::vector<Counted> due(net::WallTime now, bool all = false);

 private:
  struct Window {
    net::WallTime begin;
    int written = 0;
    uint64_t counted = 0;
    bool stranger = false;
    std::unique_ptr<AuditEntry> last;  // of those that were only counted
  };
  Window& place(const std::string& key, bool stranger, net::WallTime now);
  Window& window_of(const AuditEntry& entry, bool stranger, net::WallTime now);
  bool spend(net::WallTime now);

  std::map<std::string, Window> windows_;
  size_t strangers_ = 0;
  net::WallTime next_{}, filled_{};
  double budget_ = kBudget;
};

}  // namespace atl::server
