// An audit log in memory.
#pragma once

#include <string>
#include <vector>

#include "server/audit/audit_log.h"

namespace atl::testing {

class AuditRecorder : public server::AuditLog {
 public:
  bool record(const server::AuditEntry& entry) override {
    entries.push_back(entry);
    return true;
  }
  // "joined a", "refused ? wrong_name": event, proven client or "?", reason.
  std::vector<std::string> said() const {
    std::vector<std::string> all;
    for (const auto& entry : entries) {
      all.push_back(std::string(to_string(entry.event)) + " " +
                    (entry.client.empty() ? "?" : entry.client) +
                    (entry.reason.empty() ? "" : " " + entry.reason));
    }
    return all;
  }
  std::vector<server::AuditEntry> entries;
};

}  // namespace atl::testing
