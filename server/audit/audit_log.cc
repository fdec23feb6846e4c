#include "server/audit/audit_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/core/log.h"
#include "common/core/utc.h"
#include "server/audit/chain.h"
#include "server/audit/limiter.h"

namespace atl::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxName = 96, kMaxText = 256;

// Printable ASCII whatever stands in the strings: a terminal that shows the log obeys nobody's
// escape sequences, and bytes that are no UTF-8 become U+FFFD.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

// What lets a client in or keeps it out must survive a power cut.
bool is_weighty(AuditEvent event) {
  return event == AuditEvent::kEnrolled || event == AuditEvent::kRenewed ||
         event == AuditEvent::kRevoked;
}

class FileLog : public AuditLog {
 public:
  FileLog(std::string path, WallClock now) : path_(std::move(path)), now_(std::move(now)) {}
  ~FileLog() override { write_counts(true); }

  Status open() {
    return with_file([](int) { return Status(); });
  }

  bool record(const AuditEntry& entry) override {
    write_counts(false);
    if (!limiter_.admit(entry, now_())) return false;
    write(entry, 0);
    return true;
  }
  void tick() override { write_counts(false); }

 private:
  void write_counts(bool all) {
    for (const auto& counted : limiter_.due(now_(), all)) write(counted.entry, counted.count);
  }

  void write(const AuditEntry& entry, uint64_t count) {
    Json json{{"seq", 0}, {"time", utc_text(now_())}, {"event", to_string(entry.event)}};
    const auto add = [&json](const char* key, const std::string& value, size_t most) {
      if (!value.empty()) json[key] = value.substr(0, most);
    };
    add("client", entry.client, kMaxName);
    add("peer", entry.peer, kMaxName);
    add("serial", entry.serial, kMaxName);
    add("reason", entry.reason, kMaxName);
    add("text", entry.text, kMaxText);
    if (count > 0) json["count"] = count;
    auto written = with_file([&](int fd) { return append(fd, json, is_weighty(entry.event)); });
    if (!written && !failing_) log::error("audit", written.error().message());
    failing_ = !written;
  }

  // Opened for each line: an operator may move the log away, and another process may have written
  // meanwhile.
  template <typename F>
  Status with_file(F work) {
    const int fd = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return errno_error("cannot open " + path_, errno);
    Status done = ::flock(fd, LOCK_EX) == 0 ? Status() : errno_error("cannot lock " + path_, errno);
    if (done) done = work(fd);
    ::close(fd);
    return done;
  }

  Status append(int fd, Json& json, bool sync) {
    ATOLL_ASSIGN(const auto file, File::open_read(path_));
    ATOLL_ASSIGN(const uint64_t size, file.size());
    if (size != tail_.size || size == 0) {
      ATOLL_ASSIGN(tail_, chain::read_tail(file));
    }
    auto tail = tail_;
    std::string text;
    if (tail.open) text = "\n";
    if (!tail.cut.empty()) {
      if (tail.cut.back() != '\n') text = "\n";
      Json mark{{"seq", tail.seq + 1},
                {"time", utc_text(now_())},
                {"event", "cut"},
                {"text", std::to_string(tail.cut.size()) + " bytes before this line were cut off"},
                {"cut", chain::hash_of(tail.cut + text)},
                {"prev", tail.prev}};
      add_line(tail, text, mark);
    }
    json["seq"] = tail.seq + 1;
    json["prev"] = tail.prev;
    add_line(tail, text, json);
    // In one piece: what is not there in full is cut off, and the next line will say so.
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put != static_cast<ssize_t>(text.size()))
      return errno_error("cannot write " + path_, put < 0 ? errno : ENOSPC);
    tail_ = {tail.seq, tail.prev, size + text.size(), "", false};
    if (sync && ::fdatasync(fd) != 0) return errno_error("cannot sync " + path_, errno);
    return {};
  }

  static void add_line(chain::Tail& tail, std::string& text, const Json& json) {
    const auto line = line_of(json);
    tail.prev = chain::hash_of(std::string_view(line).substr(0, line.size() - 1));
    ++tail.seq;
    text += line;
  }

  std::string path_;
  WallClock now_;
  AuditLimiter limiter_;
  chain::Tail tail_;
  bool failing_ = false;  // said once, not for every line
};

}  // namespace

std::string_view to_string(AuditEvent event) {
  constexpr std::string_view kNames[] = {
      "enrolled",        "enrolment_refused", "joined",         "left",    "refused",
      "update_accepted", "update_refused",    "revoked",        "renewed", "quarantined",
      "run_started",     "reloaded",          "round_committed"};
  return kNames[static_cast<size_t>(event)];
}

AuditLog* no_audit() {
  static AuditLog none;
  return &none;
}

Result<std::unique_ptr<AuditLog>> open_audit_log(const std::string& path, WallClock now) {
  auto log = std::make_unique<FileLog>(path, std::move(now));
  ATOLL_TRY(log->open());
  return std::unique_ptr<AuditLog>(std::move(log));
}

}  // namespace atl::server
