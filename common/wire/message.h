// Control messages as plain structs. The Protobuf types stay inside message.cc: their headers must
// not meet LibTorch's. wire.md tells who sends what, when, and what an answer means.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "common/core/hash.h"
#include "common/core/result.h"
#include "common/tensor/manifest.h"
#include "common/wire/task.h"

namespace atl::wire {

// Why a peer was refused. The number stands on the wire and never changes.
enum class Reason : uint32_t {
  kNone = 0,
  kUnauthenticated = 1,  // no certificate of this authority
  kWrongName = 2,        // the name claimed is not the certificate's
  kModelMismatch = 3,    // manifests differ
  kUnexpected = 4,       // a message that does not fit the state
  kStaleRound = 5,       // the round is closed
  kNotSelected = 6,      // the client is not in the round's cohort
  kWrongSize = 7,        // update bytes differ from the model's
  kWrongHash = 8,        // bytes received do not have the hash offered
  kNotFinite = 9,        // NaN, infinity or a value out of range
  kBadToken = 10,        // unknown, used or expired enrolment token
  kBadRequest = 11,      // a certificate request that cannot be signed
  kBusy = 12,            // try again later
  kServerError = 13,     // the server could not do its part (disk full, ...)
  kNoData = 14,          // a client with neither training nor test examples
  kDuplicate = 15,       // this client has a session already, and it is alive
  kQuarantined = 16,     // refused too often in a row; an operator may release it
  kNotAllowed = 17,      // the server's operator lets only others in
  kExpired = 18,         // the certificate has expired; it may be renewed
};

std::string_view to_string(Reason reason);  // "wrong_name", ... for logs

struct Enrol {
  std::string token, csr_pem;
  bool operator==(const Enrol&) const = default;
};
struct Renew {
  std::string csr_pem;
  bool operator==(const Renew&) const = default;
};
struct Enrolled {
  std::string certificate_pem, authority_pem;
  bool operator==(const Enrolled&) const = default;
};
struct Hello {
  std::string client;
  uint64_t train_examples = 0, test_examples = 0;
  std::string software;
  bool operator==(const Hello&) const = default;
};
struct Welcome {
  std::string run;
  uint64_t seed = 0;
  uint32_t total_rounds = 0;
  ModelSpec model;
  uint32_t poll_ms = 0;  // how long the server may keep a next-task unanswered
  // 32 hexadecimal digits that no other run has, whatever its name; empty from a server that has
  // none to tell.
  std::string identity = {};
  bool operator==(const Welcome&) const = default;
};
struct Join {
  Manifest manifest;
  bool operator==(const Join&) const = default;
};
struct Joined {
  bool operator==(const Joined&) const = default;
};
struct NextTask {
  bool operator==(const NextTask&) const = default;
};
enum class TaskKind : uint32_t { kWait = 0, kInitialize = 1, kWork = 2, kDone = 3 };
struct Task {
  TaskKind kind = TaskKind::kWait;
  uint32_t round = 0;  // 1-based; the model to fetch is that of round - 1
  uint32_t total_rounds = 0;
  uint64_t seed = 0;  // of the run; streams are (seed, purpose, client, round)
  bool train = false;
  bool evaluate = false;  // evaluate the received model on the local test data first
  TrainSettings settings;
  uint64_t model_bytes = 0;
  Digest model_digest{};  // common/core/transfer_hash.h, as in Offer
  bool operator==(const Task&) const = default;
};
struct Fetch {
  uint32_t round = 0;
  uint64_t transfer = 0, offset = 0;
  bool operator==(const Fetch&) const = default;
};
struct Ping {
  uint32_t round = 0;
  uint64_t steps_done = 0, steps_total = 0;
  bool operator==(const Ping&) const = default;
};
struct Pong {
  bool round_open = false;
  bool operator==(const Pong&) const = default;
};
struct Offer {
  uint32_t round = 0;
  uint64_t update_bytes = 0;
  Digest update_digest{};
  TrainReport report;
  bool operator==(const Offer&) const = default;
};
struct Grant {
  uint64_t transfer = 0, offset = 0;
  bool operator==(const Grant&) const = default;
};
struct Outcome {
  bool accepted = false;
  Reason reason = Reason::kNone;
  std::string text;
  bool operator==(const Outcome&) const = default;
};
struct Refused {
  Reason reason = Reason::kNone;
  std::string text;
  bool operator==(const Refused&) const = default;
};
struct Bye {
  std::string text;
  bool operator==(const Bye&) const = default;
};

using Message = std::variant<Hello, Welcome, Join, Joined, NextTask, Task, Fetch, Ping, Pong, Offer,
                             Grant, Outcome, Refused, Bye, Enrol, Enrolled, Renew>;

std::string_view name_of(const Message& message);  // "hello", "offer", ...
Bytes encode(const Message& message);
// kProtocol, naming the message and field, on anything malformed: unknown body, bad enumerator,
// digest of a wrong length, non-finite numbers, names or texts over their limits, an invalid
// manifest.
Result<Message> decode(ByteView payload);

// Names of clients and runs: [A-Za-z0-9._-]{1,64}, not beginning with a dot (they become file
// names).
bool is_valid_name(std::string_view name);

}  // namespace atl::wire
