// The audit log of one server: who enrolled, came, was turned away, what was taken and committed.
// FOLDER/audit.jsonl, one JSON object a line, only ever appended to (docs/audit.md lists the
// fields). Every line holds the SHA-256 of the line before it, so a line that is changed, taken out
// or put in breaks the chain at a place that `atoll-server audit FOLDER --verify` names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/result.h"
#include "common/net/identity.h"

namespace atl::server {

enum class AuditEvent {
  kEnrolled,
  kEnrolmentRefused,
  kJoined,
  kLeft,
  kRefused,  // anybody who did not get in, or not any further
  kUpdateAccepted,
  kUpdateRefused,
  kRevoked,
  kRenewed,
  kQuarantined,
  kRunStarted,
  kReloaded,
  kRoundCommitted
};
std::string_view to_string(AuditEvent event);  // "enrolled", "enrolment_refused", ...

// Any bytes may stand in the strings: they are cut to a bounded length and escaped.
struct AuditEntry {
  AuditEvent event = AuditEvent::kRefused;
  std::string client;  // as the certificate or token proves it; empty where nothing does
  std::string peer;    // "203.0.113.7:40112"
  std::string serial;  // of the certificate
  std::string reason;  // one of few words: of the wire's reasons, or a cause of refusal
  std::string text;    // for a person; may quote what the peer said
};

// This class itself is the null object: a server without a folder keeps no log. Used on one thread.
class AuditLog {
 public:
  virtual ~AuditLog() = default;
  // Never fails the caller: a log that cannot be written is worth a loud line in the program's log,
  // not a round. What repeats itself is counted, and written as one line a minute
  // (audit/limiter.h): false when the entry was only counted.
  virtual bool record(const AuditEntry&) { return true; }
  // Writes the counts whose minute is over. Call now and then.
  virtual void tick() {}
};
AuditLog* no_audit();  // lives for ever

using WallClock = std::function<net::WallTime()>;

// Opens the log, or makes it. Several processes may append to one log (the running server,
// `atoll-server revoke`). A last line that a crash cut off stays where it is; the next line is a
// "cut" that says so, and the chain goes on. kIo when the file cannot be read or written.
Result<std::unique_ptr<AuditLog>> open_audit_log(const std::string& path,
                                                 WallClock now = std::chrono::system_clock::now);

// What a whole log amounts to.
struct AuditSummary {
  uint64_t lines = 0;
  uint64_t cuts = 0;  // lines that a crash cut off and a later start marked
  std::string head;   // SHA-256 of the last line: note it elsewhere, and nobody can shorten the log
  bool unfinished = false;  // the last line was cut off, and no server has started since
};
// Reads the log from its first line to its last and calls `line` (may be empty) with each. kIo,
// naming the first bad line, when the chain is broken; when `head` is not empty, also when no line
// of the log has that hash.
Result<AuditSummary> verify_audit_log(const std::string& path,
                                      const std::function<void(const std::string&)>& line,
                                      const std::string& head = "");

}  // namespace atl::server
