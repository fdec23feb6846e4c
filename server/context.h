// What the parts of one server share. Passed around, never global: two servers live in one process.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "common/flight/recorder.h"
#include "server/admission/denial.h"
#include "server/audit/audit_log.h"
#include "server/door.h"
#include "server/metrics/instruments.h"
#include "server/quarantine.h"
#include "server/registry.h"
#include "server/round.h"
#include "server/run_config.h"
#include "server/store/run_store.h"

namespace atl::server {

// What happened, for whoever watches a run (the program's log, the workbench's progress line).
// Counts are of now.
struct RunEvent {
  enum class Kind {
    kClients,
    kRoundOpened,
    kProgress,
    kRefused,
    kRoundClosed,
    kEvaluated,
    kFinished
  };
  Kind kind = Kind::kProgress;
  uint32_t round = 0, total_rounds = 0;
  size_t clients = 0;                     // in this round, or joined (kClients)
  size_t done = 0;                        // updates received
  uint64_t bytes_down = 0, bytes_up = 0;  // of the run so far
  double seconds = 0, train_loss = 0;     // kRoundClosed
  double accuracy = 0, loss = 0;          // kEvaluated, of the model of `round`
  std::string text;                       // kRefused, kClients
};

// Signs certificates for clients that show a token; null where there is no authority (simulation).
class EnrolmentDesk {
 public:
  struct Signed {
    wire::Enrolled answer;
    std::string client, serial;  // of the certificate in it
    bool again = false;          // it was signed before; the answer may have been lost
  };
  virtual ~EnrolmentDesk() = default;
  // kIdentity: the token is not good. kRefused: the certificate request cannot be signed. Anything
  // else: the server could not do its part.
  virtual Result<Signed> enrol(const wire::Enrol& request) = 0;
  // `peer` has shown a certificate of this authority that is not revoked, expired perhaps. The
  // request must have its name and key. Errors as above.
  virtual Result<Signed> renew(const net::Peer& peer, const wire::Renew& request) = 0;
};

struct Context {
  Context(asio::any_io_executor io, asio::any_io_executor pool, RunConfig run)
      : executor(io), compute(std::move(pool)), config(std::move(run)), changed(io) {}

  asio::any_io_executor executor;  // everything below is used on it alone
  asio::any_io_executor compute;   // for reductions
  RunConfig config;
  std::unique_ptr<RunStore> store;
  Registry registry;
  std::set<net::Session*> live;  // sessions that are served, joined or not; cut: no more
  Door door;                     // what clients that have not joined may cost
  Quarantine quarantine;
  std::shared_ptr<Round> round;  // the open round; null between rounds
  bool paused = false;           // waits for space
  bool draining = false;         // the open round is the last one of this start
  bool finished = false;         // no more rounds: clients are told to go
  const char* state() const {
    return finished ? "finished" : paused ? "paused" : draining ? "draining" : "running";
  }
  // A client that was told that the run is complete says bye within this, or is made to come back
  // and ask again: it has not heard it.
  net::Duration bye_within{10'000};
  bool trust_names = false;  // plain or in-memory transport: a name needs no certificate
  // What a full disk does: a server in service waits for space; a simulation, with a person before
  // it, ends with kDiskFull.
  bool wait_for_space = false;
  size_t min_members = 0;  // clients of any kind that must have joined before round 1
  EnrolmentDesk* enrolment = nullptr;
  Admission admission;
  AuditLog* audit = no_audit();
  flight::Recorder flight;  // what happened last; `atoll-server run` opens it
  net::Event changed;       // a client came or went, a round opened, the run finished
  std::function<void(const RunEvent&)> watch = [](const RunEvent&) {};
  uint64_t bytes_down = 0, bytes_up = 0;
  Instruments instruments;
  std::chrono::steady_clock::time_point status_written;  // metrics/events.cc
};

}  // namespace atl::server
