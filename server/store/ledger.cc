#include "server/store/ledger.h"

#include <sqlite3.h>

#include <cstring>

namespace atl::server {
namespace {

// One statement a line of the schema's history; user_version counts them. A newer version appends.
constexpr const char* kSchema = R"(
  CREATE TABLE round (
    number INTEGER NOT NULL, attempt INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'void', 'committed', 'lost')),
    begun TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, closed TEXT, model_sha256 TEXT,
    PRIMARY KEY (number, attempt)) WITHOUT ROWID;
  CREATE TABLE place (
    number INTEGER NOT NULL, attempt INTEGER NOT NULL, client TEXT NOT NULL,
    train INTEGER NOT NULL, evaluate INTEGER NOT NULL, update_digest TEXT, examples INTEGER,
    PRIMARY KEY (number, attempt, client)) WITHOUT ROWID;
  CREATE TABLE line (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);
  CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = 1;
)";
constexpr int kVersion = 1;

Error database_error(sqlite3* database, const std::string& doing) {
  const int code = sqlite3_errcode(database);
  if (code == SQLITE_BUSY) {
    return Error(ErrorCode::kUsage, doing + ": another server has this run open")
        .hint("stop it first; `atoll-server status FOLDER` says what it is doing");
  }
  return Error(code == SQLITE_FULL ? ErrorCode::kDiskFull : ErrorCode::kIo,
               doing + ": " + sqlite3_errmsg(database));
}

}  // namespace

// A prepared statement: bind in order, step, read in order.
class Ledger::Statement {
 public:
  Statement(sqlite3* database, const char* sql) : database_(database) {
    status_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int64_t value) {
    if (status_ == SQLITE_OK) status_ = sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }
  Statement& bind(const std::string& value) {
    if (status_ == SQLITE_OK)
      status_ = sqlite3_bind_text(statement_, ++bound_, value.data(),
                                  static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  // True when there is a row.
  Result<bool> step() {
    if (status_ == SQLITE_OK) status_ = sqlite3_step(statement_);
    if (status_ == SQLITE_ROW) {
      status_ = SQLITE_OK;
      return true;
    }
    if (status_ == SQLITE_DONE) return false;
    return database_error(database_, "the ledger");
  }
  Status run() {
    auto stepped = step();
    if (!stepped) return std::move(stepped).error();
    return {};
  }
  int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_, column);
    return bytes == nullptr ? "" : reinterpret_cast<const char*>(bytes);
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
  int status_ = SQLITE_OK;
  int bound_ = 0;
};

Ledger::~Ledger() { sqlite3_close(database_); }

Status Ledger::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return database_error(database_, "the ledger");
}

Status Ledger::transaction(const char* what, const std::function<Status()>& body) {
  auto done = execute("BEGIN IMMEDIATE");
  if (done) done = body();
  if (done) done = execute("COMMIT");
  if (done) return {};
  // A full disk may have ended the transaction already.
  if (sqlite3_get_autocommit(database_) == 0) (void)execute("ROLLBACK");
  return std::move(done).error().wrap(std::string("cannot write ") + what);
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path) {
  sqlite3* database = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &database,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Ledger> ledger(new Ledger(database));
  if (opened != SQLITE_OK) return database_error(database, "cannot open the ledger " + path);
  auto made = [&]() -> Status {
    // One writer: the lock is taken at the first transaction and kept as long as this is open.
    ATOLL_TRY(ledger->execute("PRAGMA locking_mode = EXCLUSIVE"));
    ATOLL_TRY(ledger->execute("PRAGMA journal_mode = WAL"));
    ATOLL_TRY(ledger->execute("PRAGMA synchronous = FULL"));
    // A few pages are looked at again and again; the others are history.
    ATOLL_TRY(ledger->execute("PRAGMA cache_size = -128"));
    Statement version(database, "PRAGMA user_version");
    ATOLL_ASSIGN(const bool said, version.step());
    const int64_t found = said ? version.integer(0) : 0;
    if (found > kVersion)
      return Error(ErrorCode::kIo, "it was written by a newer version of Atoll");
    return ledger->transaction("the tables", [&]() -> Status {
      if (found < kVersion) ATOLL_TRY(ledger->execute(kSchema));
      return ledger->execute(
          "INSERT OR IGNORE INTO fact VALUES ('identity', lower(hex(randomblob(16))))");
    });
  }();
  if (!made) return std::move(made).error().wrap("cannot use the ledger " + path);
  return ledger;
}

Result<std::optional<Intent>> Ledger::unfinished(uint32_t round) const {
  using R = std::optional<Intent>;
  Statement newest(database_,
                   "SELECT attempt FROM round WHERE number = ? AND state IN ('open', 'lost') "
                   "ORDER BY attempt DESC LIMIT 1");
  newest.bind(round);
  ATOLL_ASSIGN(const bool found, newest.step());
  if (!found) return R();
  Intent intent{round, static_cast<uint32_t>(newest.integer(0)), {}};
  Statement places(database_,
                   "SELECT client, train, evaluate FROM place WHERE number = ? AND attempt = ? "
                   "ORDER BY client");
  places.bind(intent.round).bind(intent.attempt);
  for (;;) {
    ATOLL_ASSIGN(const bool more, places.step());
    if (!more) return R(std::move(intent));
    intent.places.push_back({places.text(0), places.integer(1) != 0, places.integer(2) != 0});
  }
}

Result<uint32_t> Ledger::next_attempt(uint32_t round) const {
  Statement count(database_, "SELECT COUNT(*) FROM round WHERE number = ? AND state = 'void'");
  count.bind(round);
  ATOLL_ASSIGN(const bool found, count.step());
  return found ? static_cast<uint32_t>(count.integer(0)) : 0;
}

Result<std::optional<uint32_t>> Ledger::committed() const {
  using R = std::optional<uint32_t>;
  Statement newest(database_, "SELECT MAX(number) FROM round WHERE state = 'committed'");
  ATOLL_ASSIGN(const bool found, newest.step());
  if (!found || newest.is_null(0)) return R();
  return R(static_cast<uint32_t>(newest.integer(0)));
}

Status Ledger::begin(const Intent& intent) {
  return transaction("the intent of a round", [&]() -> Status {
    Statement old(database_, "DELETE FROM line WHERE id <= ?");
    ATOLL_TRY(old.bind(delivered_).run());
    Statement round(database_,
                    "INSERT INTO round (number, attempt, state) VALUES (?, ?, 'open') "
                    "ON CONFLICT DO UPDATE SET state = 'open'");
    ATOLL_TRY(round.bind(intent.round).bind(intent.attempt).run());
    for (const auto& place : intent.places) {
      Statement row(database_,
                    "INSERT OR REPLACE INTO place (number, attempt, client, train, evaluate) "
                    "VALUES (?, ?, ?, ?, ?)");
      row.bind(intent.round).bind(intent.attempt).bind(place.client);
      ATOLL_TRY(row.bind(place.train).bind(place.evaluate).run());
    }
    return {};
  });
}

Status Ledger::give_up(uint32_t round, uint32_t attempt) {
  return transaction("that a round is void", [&] {
    Statement row(database_,
                  "UPDATE round SET state = 'void', closed = CURRENT_TIMESTAMP "
                  "WHERE number = ? AND attempt = ?");
    return row.bind(round).bind(attempt).run();
  });
}

Status Ledger::commit(const Commit& commit) {
  return transaction("the commit of a round", [&]() -> Status {
    // The initial model has no intent before it.
    Statement row(database_,
                  "INSERT INTO round (number, attempt, state, closed, model_sha256) "
                  "VALUES (?, ?, 'committed', CURRENT_TIMESTAMP, ?) "
                  "ON CONFLICT DO UPDATE SET state = 'committed', closed = CURRENT_TIMESTAMP, "
                  "model_sha256 = excluded.model_sha256");
    ATOLL_TRY(row.bind(commit.round).bind(commit.attempt).bind(hex(commit.model)).run());
    for (const auto& one : commit.contributed) {
      Statement update(database_,
                       "UPDATE place SET update_digest = ?, examples = ? "
                       "WHERE number = ? AND attempt = ? AND client = ?");
      update.bind(hex(one.update)).bind(static_cast<int64_t>(one.examples)).bind(commit.round);
      ATOLL_TRY(update.bind(commit.attempt).bind(one.client).run());
    }
    return add_lines(commit.lines);
  });
}

Status Ledger::lose_from(uint32_t round) {
  return transaction("that rounds are lost", [&] {
    Statement row(database_,
                  "UPDATE round SET state = 'lost' WHERE number >= ? AND state IN "
                  "('open', 'committed')");
    return row.bind(round).run();
  });
}

Status Ledger::finish(const std::vector<std::string>& lines) {
  return transaction("that the run is complete", [&]() -> Status {
    ATOLL_TRY(execute("INSERT OR REPLACE INTO fact VALUES ('finished', CURRENT_TIMESTAMP)"));
    return add_lines(lines);
  });
}

Result<std::string> Ledger::identity() const {
  Statement fact(database_, "SELECT value FROM fact WHERE key = 'identity'");
  ATOLL_ASSIGN(const bool there, fact.step());
  if (!there) return Error(ErrorCode::kIo, "the ledger does not say which run it is of");
  return fact.text(0);
}

Result<bool> Ledger::finished() const {
  Statement fact(database_, "SELECT 1 FROM fact WHERE key = 'finished'");
  return fact.step();
}

Result<std::vector<std::string>> Ledger::members_of(uint32_t round) const {
  std::vector<std::string> members;
  Statement row(database_,
                "SELECT client FROM place NATURAL JOIN round WHERE number = ? AND "
                "state = 'committed' ORDER BY client");
  row.bind(round);
  for (;;) {
    ATOLL_ASSIGN(const bool more, row.step());
    if (!more) return members;
    members.push_back(row.text(0));
  }
}

Status Ledger::add_lines(const std::vector<std::string>& lines) {
  for (const auto& text : lines) {
    Statement row(database_, "INSERT INTO line (text) VALUES (?)");
    ATOLL_TRY(row.bind(text).run());
  }
  return {};
}

Result<std::vector<std::string>> Ledger::undelivered() {
  std::vector<std::string> lines;
  Statement row(database_, "SELECT text, id FROM line WHERE id > ? ORDER BY id");
  row.bind(delivered_);
  for (;;) {
    ATOLL_ASSIGN(const bool more, row.step());
    if (!more) return lines;
    lines.push_back(row.text(0));
    offered_ = row.integer(1);
  }
}

}  // namespace atl::server
