// Ledger: what the server was about to do and what it has done, in a SQLite database (WAL, every
// transaction synced). A round is written here before anybody works on it, with its cohort, and
// again when its checkpoint is on the disk. A server that starts anew therefore goes on with the
// very round that was interrupted and the very clients that were chosen for it, not with those that
// happen to be back first; an update counts once, because a round is committed once.
//
// The lines that a round adds to metrics.jsonl travel in its commit and are kept until the caller
// has them in the file, so that a crash between the two loses none and writes none twice.
//
// Not thread-safe: one call at a time. Every call may wait for the disk. Errors: kDiskFull when the
// disk is full (the call may be made again), kIo otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/hash.h"
#include "common/core/result.h"

struct sqlite3;

namespace atl::server {

// A client's part in a round.
struct Place {
  std::string client;
  bool train = false;
  bool evaluate = false;
};

// One attempt at one round. Attempt 0 is the first; each void attempt is followed by the next.
struct Intent {
  uint32_t round = 0;
  uint32_t attempt = 0;
  std::vector<Place> places;  // sorted by client
};

// An update that went into a model.
struct Contributed {
  std::string client;
  Digest update{};  // transfer digest
  uint64_t examples = 0;
};

struct Commit {
  uint32_t round = 0;
  uint32_t attempt = 0;
  Digest model{};  // SHA-256 of the model's flat bytes
  std::vector<Contributed> contributed;
  std::vector<std::string> lines;  // for metrics.jsonl
};

class Ledger {
 public:
  // Makes the database when there is none. kIo when it is damaged or another process has it open.
  static Result<std::unique_ptr<Ledger>> open(const std::string& path);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // 32 hexadecimal digits, drawn at random when the ledger was made: the run's own.
  Result<std::string> identity() const;
  // The attempt at this round that was begun and neither committed nor given up, or whose model was
  // lost: it is to be done as it was meant.
  Result<std::optional<Intent>> unfinished(uint32_t round) const;
  // The number of the next attempt at this round: how many were void.
  Result<uint32_t> next_attempt(uint32_t round) const;
  // The newest committed round; none in a new run.
  Result<std::optional<uint32_t>> committed() const;

  // Also forgets the lines that were delivered.
  Status begin(const Intent& intent);
  Status give_up(uint32_t round, uint32_t attempt);
  Status commit(const Commit& commit);
  // The models from this round on are lost: these rounds are to be done again.
  Status lose_from(uint32_t round);
  // The run is complete; `lines` as in a commit.
  Status finish(const std::vector<std::string>& lines);
  Result<bool> finished() const;
  // Who took part in a round's committed attempt.
  Result<std::vector<std::string>> members_of(uint32_t round) const;

  // Lines of commits that may not be in the file yet, oldest first.
  Result<std::vector<std::string>> undelivered();
  // What undelivered() returned is in the file now. Remembered here, and told to the disk with the
  // next begin().
  void delivered() { delivered_ = offered_; }

 private:
  class Statement;
  explicit Ledger(sqlite3* database) : database_(database) {}
  Status execute(const char* sql);
  Status transaction(const char* what, const std::function<Status()>& body);
  Status add_lines(const std::vector<std::string>& lines);

  sqlite3* database_;
  int64_t offered_ = 0, delivered_ = 0;  // the last line's number
};

}  // namespace atl::server
