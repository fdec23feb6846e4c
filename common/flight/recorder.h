// The flight recorder: what happened last on each session of a process, kept in memory in compact
// form, and written to a file when something went wrong. docs/flight.md describes the files.
//
// Threads: a recorder and the sessions that it records belong to one executor. Events are noted and
// dumps are made on it, without a lock; the largest dump, of 5,000 sessions, takes about 0.1 s. The
// one exception is a process that dies (signals.h).
//
// No contents are kept, neither of tensors nor of messages: kinds, sizes, rounds and offsets; names
// and addresses of peers; and the text of the error that a session ended with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/flight/event.h"
#include "common/net/transport.h"

namespace atl::flight {

struct Options {
  std::string folder;   // for dumps; made with the first one
  std::string program;  // "atoll-server", for whoever reads a dump
  // Bytes of events, of all sessions together; over it rings stop growing. 384 bytes of a session
  // are always granted.
  size_t budget = 16u << 20;
  size_t ended = 64;         // sessions that are over and still remembered
  size_t turned_away = 128;  // peers likewise that were not let in
  size_t lines = 32'768;     // of a dump; shared out evenly where there are more
  size_t dumps = 32;         // files; one more, and the oldest is removed
  // From one dump that nobody asked for to the next. What comes in between is counted.
  net::Duration pause{5'000};
};

// What makes a dump.
enum class Cause { kDeadline, kSignal, kCrash };
std::string_view to_string(Cause cause);

struct Book;

class Recorder {
 public:
  Recorder();  // records nothing until it is opened
  ~Recorder();
  Recorder(Recorder&&) = default;
  Recorder& operator=(Recorder&&) = default;

  // Begins to record. Sessions that live already are not recorded.
  void open(Options options);

  // The same session, recorded from now on; as it was where nothing is recorded. A deadline that
  // passes on it makes a dump once it has joined (server) or from the start (`dialled`).
  std::unique_ptr<net::Session> record(std::unique_ptr<net::Session> session);
  // Records every session of a client, and every attempt to connect. `recorder` may be gone first.
  std::unique_ptr<net::Connector> record(std::unique_ptr<net::Connector> connector);

  // Of the run as a whole.
  void note(State state, uint32_t round = 0, uint64_t value = 0);
  // Somebody who was not let in. `cause` is one word of a fixed list.
  void turned_away(std::string_view cause, std::string_view address, std::string_view name,
                   std::string_view text);

  // Notes it on the newest session of each of these peers, and dumps all that is known of them.
  void missed_deadline(const std::vector<std::string>& names, uint32_t round,
                       const std::string& why);
  // Everything. The file's path; kIo, kDiskFull.
  Result<std::string> dump(Cause cause, const std::string& why);

  // Bytes that events take now, and sessions that are remembered, open or ended.
  size_t memory() const;
  size_t sessions() const;

  // For signals.h: writes everything to a file, with nothing but what a signal handler may do.
  void write_crash(int descriptor, std::string_view why) const;
  std::string folder() const;  // empty where nothing is recorded

 private:
  std::shared_ptr<Book> book_;
};

// Notes on one session; nothing happens on one that is not recorded.
void note(net::Session& session, State state);
// What the peer is called, once it is known. Sessions of it that ended are found by it too.
void joined(net::Session& session, const std::string& name);
// Why the session is about to end.
void ended(net::Session& session, const Error& why);

}  // namespace atl::flight
