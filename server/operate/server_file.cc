#include "server/operate/server_file.h"

#include <algorithm>
#include <sstream>

#include "server/admin/check.h"

namespace atl::server {
namespace {

// "[train] learning_rate = 0.1": the lines of to_toml(), each with its table.
std::vector<std::string> lines_of(const RunConfig& run) {
  std::vector<std::string> lines;
  std::istringstream text(to_toml(run));
  std::string table;
  for (std::string line; std::getline(text, line);) {
    if (line.empty()) continue;
    if (line.front() == '[')
      table = line + " ";
    else
      lines.push_back(table + line);
  }
  return lines;
}

Status same_run(const RunConfig& running, const RunConfig& now) {
  const auto before = lines_of(running), after = lines_of(now);
  std::string differing;
  const auto name_missing = [&](const auto& in, const auto& from, const char* mark) {
    for (const auto& line : in) {
      if (std::find(from.begin(), from.end(), line) == from.end())
        differing += std::string(differing.empty() ? "" : ", ") + mark + line;
    }
  };
  name_missing(after, before, "");
  name_missing(before, after, "not ");
  if (differing.empty()) return {};
  return Error(ErrorCode::kConfig,
               "server.toml says another run than the one that is served: " + differing)
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

Result<ServerFile> read_server_file(const ServerFolder& folder) {
  ATOLL_ASSIGN(auto document, config::Document::load(folder.config()));
  auto root = document.root();
  ServerFile file;
  file.run = read_run_config(root);
  root.table("listen").read("address", file.address);
  file.admission = read_admission_config(root);
  file.watch = read_watch_config(root);
  // A run file may also say how the workbench is to simulate it.
  for (const char* other : {"data", "partition", "simulate"}) root.table(other).accept_other_keys();
  ATOLL_TRY(document.finish());
  return file;
}

Result<std::vector<std::string>> reload(const ServerFolder& folder, ServerFile& running,
                                        Context& context, SecuredFolder& secured,
                                        net::Listener& listener) {
  ATOLL_ASSIGN(const auto file, read_server_file(folder));
  ATOLL_TRY(same_run(running.run, file.run));
  Changes changes;
  if (!context.trust_names) {
    ATOLL_ASSIGN(auto certificate, check_identity(folder, std::chrono::system_clock::now()));
    ATOLL_TRY(listener.reload_identity());
    changes.lines.push_back(std::move(certificate));
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
