// Quarantine: clients whose updates were refused too often in a row. They are not selected and not
// let in until an operator releases them. The list is a small file of the run's folder, so that it
// outlives the server; `atoll-server release` edits it while the server runs. Used on the server's
// executor only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/result.h"

namespace atl::server {

class Quarantine {
 public:
  struct Entry {
    std::string client, reason, time;  // time: UTC, ISO 8601
    uint32_t round = 0;
  };

  Quarantine() = default;  // holds nobody
  // `after`: refusals in a row; 0: never, but who is on the list stays there. kIo when the file is
  // damaged: a list that cannot be read must not let anyone out.
  static Result<Quarantine> open(std::string path, uint32_t after);

  // From now on; strikes that were counted before count on.
  void set_after(uint32_t after) { after_ = after; }
  // As the file says it now. An error when it cannot be read.
  Result<bool> contains(const std::string& client);
  // What was read last, by name.
  const std::map<std::string, Entry>& entries() const { return entries_; }

  // One more refusal. True when that was one too many: the client is on the list from now on, in
  // memory even when the file cannot be written (which is logged).
  bool strike(Entry entry);
  // An update of this client was taken: it is counted from 0 again.
  void forgive(const std::string& client) { strikes_.erase(client); }

 private:
  Status refresh();

  std::string path_;
  uint32_t after_ = 0;
  std::string stamp_;  // of the file that was read last
  std::map<std::string, Entry> entries_;
  std::map<std::string, uint32_t> strikes_;
};

// Takes a client off the list in `path`. kUsage when it is not there.
Status release_from_quarantine(const std::string& path, const std::string& client);

}  // namespace atl::server
