#include "server/quarantine.h"

#include <sys/stat.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/core/file.h"
#include "common/core/log.h"

namespace atl::server {
namespace {

using Json = nlohmann::ordered_json;
using Entries = std::map<std::string, Quarantine::Entry>;

// Changes with every write: the file is replaced, never edited in place. Empty without a file.
Result<std::string> stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::string();
    return errno_error("cannot examine " + path, errno);
  }
  std::ostringstream stamp;
  stamp << info.st_ino << "/" << info.st_size << "/" << info.st_mtim.tv_sec << "."
        << info.st_mtim.tv_nsec;
  return stamp.str();
}

Result<Entries> load(const std::string& path) {
  Entries entries;
  if (!exists(path)) return entries;
  ATOLL_ASSIGN(const auto text, read_text(path));
  const auto damaged = [&path] {
    return Error(ErrorCode::kIo, path + " is damaged: not a list of clients")
        .hint("repair it, or remove it to release everyone");
  };
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_array()) return damaged();
  for (const auto& one : json) {
    Quarantine::Entry entry;
    for (auto [key, out] : {std::pair("client", &entry.client), std::pair("reason", &entry.reason),
                            std::pair("time", &entry.time)}) {
      if (!one.is_object() || !one.contains(key) || !one[key].is_string()) return damaged();
      *out = one[key].get<std::string>();
    }
    if (!one.contains("round") || !one["round"].is_number_unsigned()) return damaged();
    entry.round = one["round"].get<uint32_t>();
    entries[entry.client] = entry;
  }
  return entries;
}

Status save(const std::string& path, const Entries& entries) {
  Json json = Json::array();
  for (const auto& [client, entry] : entries) {
    json.push_back({{"client", client},
                    {"round", entry.round},
                    {"reason", entry.reason},
                    {"time", entry.time}});
  }
  return write_atomic(path,
                      json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace

Result<Quarantine> Quarantine::open(std::string path, uint32_t after) {
  Quarantine quarantine;
  quarantine.path_ = std::move(path);
  quarantine.after_ = after;
  ATOLL_TRY(quarantine.refresh());
  return quarantine;
}

Status Quarantine::refresh() {
  if (path_.empty()) return {};
  ATOLL_ASSIGN(auto stamp, stamp_of(path_));
  if (stamp == stamp_) return {};
  ATOLL_ASSIGN(entries_, load(path_));
  stamp_ = std::move(stamp);
  return {};
}

Result<bool> Quarantine::contains(const std::string& client) {
  ATOLL_TRY(refresh());
  return entries_.count(client) != 0;
}

bool Quarantine::strike(Entry entry) {
  if (after_ == 0 || ++strikes_[entry.client] < after_) return false;
  strikes_.erase(entry.client);
  const std::string client = entry.client;
  const FileLock lock(path_);  // an operator may be releasing another one
  auto written = refresh();
  entries_[client] = std::move(entry);
  if (written) written = save(path_, entries_);
  if (auto stamp = stamp_of(path_); written && stamp) stamp_ = *stamp;
  if (!written)
    log::error("server", "the quarantine of " + client +
                             " will not outlive the server: " + written.error().message());
  return true;
}

Status release_from_quarantine(const std::string& path, const std::string& client) {
  const FileLock lock(path);
  ATOLL_ASSIGN(auto entries, load(path));
  if (entries.erase(client) == 0) {
    std::string names;
    for (const auto& [name, entry] : entries) names += (names.empty() ? "" : ", ") + name;
    return Error(ErrorCode::kUsage, "\"" + client + "\" is not in quarantine")
        .hint(names.empty() ? "nobody is" : "in quarantine: " + names);
  }
  return save(path, entries);
}

}  // namespace atl::server
