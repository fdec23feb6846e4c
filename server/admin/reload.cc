#include "server/admin/reload.h"

#include <map>
#include <sstream>

#include "server/admin/check.h"

namespace atl::server {
namespace {

Result<std::map<std::string, std::string>> values_of(const RunConfig& run) {
  ATOLL_ASSIGN(const auto document, config::Document::parse(to_toml(run), "run"));
  std::map<std::string, std::string> values;
  for (auto& [key, value] : document.values()) values[key] = value;
  return values;
}

Status same_run(const RunConfig& running, const RunConfig& now) {
  ATOLL_ASSIGN(auto before, values_of(running));
  ATOLL_ASSIGN(auto after, values_of(now));
  for (const auto& [key, value] : before) after.try_emplace(key, "absent");
  std::string differing;
  for (const auto& [key, value] : after) {
    const auto& was = before.try_emplace(key, "absent").first->second;
    if (was != value)
      differing += (differing.empty() ? " " : ", ") + key + ": " + was + " -> " + value;
  }
  if (differing.empty()) return {};
  return Error(ErrorCode::kConfig,
               "server.toml says another run than the one that is served:" + differing)
      .hint("another run has a folder of its own: atoll-server init FOLDER");
}

std::string words(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return names.empty() ? "everybody" : all;
}

// "KEY: OLD -> NEW" for each value that is another one.
class Changes {
 public:
  template <typename T>
  void note(const char* key, const T& before, const T& after) {
    if (before == after) return;
    std::ostringstream line;
    line << key << ": " << text(before) << " -> " << text(after);
    lines.push_back(line.str());
  }
  template <typename T>
  void note_later(const char* key, const T& before, const T& after) {
    if (!(before == after)) lines.push_back(std::string(key) + ": at the next start");
  }
  std::vector<std::string> lines;

 private:
  static std::string text(const std::vector<std::string>& names) { return words(names); }
  static std::string text(uint32_t value) { return std::to_string(value); }
  static std::string text(std::chrono::seconds time) {
    std::ostringstream out;
    out << static_cast<double>(time.count()) / 86'400;
    return out.str();
  }
};

}  // namespace

Result<std::vector<std::string>> reload(const ServerFolder& folder, ServerFile& running,
                                        Context& context, SecuredFolder& secured,
                                        net::Listener& listener) {
  ATOLL_ASSIGN(const auto file, read_server_file(folder.config()));
  ATOLL_TRY(same_run(running.run, file.run));
  Changes changes;
  if (!context.trust_names) {
    ATOLL_ASSIGN(const auto certificate, check_identity(folder, std::chrono::system_clock::now()));
    ATOLL_TRY(listener.reload_identity());
    changes.lines.push_back("certificate: " + certificate);
  }
  const auto &before = running.admission, &after = file.admission;
  changes.note("[admission] allow", before.allow, after.allow);
  changes.note("[admission] failed_attempts", before.failed_attempts, after.failed_attempts);
  changes.note("[admission] failed_attempts_a_minute", before.failed_attempts_a_minute,
               after.failed_attempts_a_minute);
  changes.note("[admission] quarantine_after", running.run.quarantine_after,
               file.run.quarantine_after);
  changes.note("[identity] client_days", before.client_lifetime, after.client_lifetime);
  changes.note("[identity] renew_grace_days", before.renew_grace, after.renew_grace);
  changes.note_later("[listen] address", running.address, file.address);
  changes.note_later("[watch]", running.watch, file.watch);

  secured.reload(file.admission, context);
  context.config.quarantine_after = file.run.quarantine_after;
  context.quarantine.set_after(file.run.quarantine_after);
  running.run = file.run;
  running.admission = file.admission;
  return changes.lines;
}

}  // namespace atl::server
