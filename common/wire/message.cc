#include "common/wire/message.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstring>

#include "common/wire/convert.h"
#include "common/wire/join_bounds.h"

namespace atl::wire {
namespace {

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxPem = 64 << 10;

Error malformed(const std::string& what) {
  return Error(ErrorCode::kProtocol, "malformed control message: " + what);
}

Status read_text(std::string& out, const std::string& in, size_t limit, const char* field) {
  if (in.size() > limit)
    return malformed(std::string(field) + " is longer than " + std::to_string(limit));
  out = in;
  return {};
}

Status read_digest(Digest& out, const std::string& in, const char* field) {
  if (in.size() != out.size()) return malformed(std::string(field) + " is not 32 bytes long");
  std::memcpy(out.data(), in.data(), out.size());
  return {};
}

// Bytes at the front of `text` that are one UTF-8 character; 0 when there is none. (Overlong forms,
// surrogates and values above U+10FFFF are none: Protobuf's parser would refuse the message.)
size_t character_at(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                   (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return bad ? 0 : size;
}

// Text for a person, fit for the wire: at most kMaxText bytes of UTF-8. An error message may hold a
// path in any encoding.
std::string sendable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t size = character_at(text);
    if (out.size() + std::max<size_t>(1, size) > kMaxText) break;
    out += size == 0 ? std::string_view("?") : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(1, size));
  }
  return out;
}

std::string text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// One encode/decode pair per message, in the order of the variant.
struct Encoder {
  pb::Message& out;
  void operator()(const Hello& m) {
    auto* p = out.mutable_hello();
    p->set_client(m.client);
    p->set_train_examples(m.train_examples);
    p->set_test_examples(m.test_examples);
    p->set_software(m.software);
  }
  void operator()(const Welcome& m) {
    auto* p = out.mutable_welcome();
    p->set_run(m.run);
    p->set_seed(m.seed);
    p->set_total_rounds(m.total_rounds);
    to_pb(m.model, *p->mutable_model());
    p->set_poll_ms(m.poll_ms);
    p->set_identity(m.identity);
  }
  void operator()(const Join& m) { to_pb(m.manifest, *out.mutable_join()); }
  void operator()(const Joined&) { out.mutable_joined(); }
  void operator()(const NextTask&) { out.mutable_next_task(); }
  void operator()(const Task& m) {
    auto* p = out.mutable_task();
    p->set_kind(static_cast<uint32_t>(m.kind));
    p->set_round(m.round);
    p->set_total_rounds(m.total_rounds);
    p->set_seed(m.seed);
    p->set_train(m.train);
    p->set_evaluate(m.evaluate);
    to_pb(m.settings, *p->mutable_settings());
    p->set_model_bytes(m.model_bytes);
    p->set_model_digest(text_of(m.model_digest));
  }
  void operator()(const Fetch& m) {
    auto* p = out.mutable_fetch();
    p->set_round(m.round);
    p->set_transfer(m.transfer);
    p->set_offset(m.offset);
  }
  void operator()(const Ping& m) {
    auto* p = out.mutable_ping();
    p->set_round(m.round);
    p->set_steps_done(m.steps_done);
    p->set_steps_total(m.steps_total);
  }
  void operator()(const Pong& m) { out.mutable_pong()->set_round_open(m.round_open); }
  void operator()(const Offer& m) {
    auto* p = out.mutable_offer();
    p->set_round(m.round);
    p->set_update_bytes(m.update_bytes);
    p->set_update_digest(text_of(m.update_digest));
    to_pb(m.report, *p->mutable_report());
  }
  void operator()(const Grant& m) {
    out.mutable_grant()->set_transfer(m.transfer);
    out.mutable_grant()->set_offset(m.offset);
  }
  void operator()(const Outcome& m) {
    auto* p = out.mutable_outcome();
    p->set_accepted(m.accepted);
    p->set_reason(static_cast<uint32_t>(m.reason));
    p->set_text(sendable(m.text));
  }
  void operator()(const Refused& m) {
    out.mutable_refused()->set_reason(static_cast<uint32_t>(m.reason));
    out.mutable_refused()->set_text(sendable(m.text));
  }
  void operator()(const Bye& m) { out.mutable_bye()->set_text(sendable(m.text)); }
  void operator()(const Enrol& m) {
    out.mutable_enrol()->set_token(m.token);
    out.mutable_enrol()->set_csr_pem(m.csr_pem);
  }
  void operator()(const Renew& m) { out.mutable_renew()->set_csr_pem(m.csr_pem); }
  void operator()(const Enrolled& m) {
    out.mutable_enrolled()->set_certificate_pem(m.certificate_pem);
    out.mutable_enrolled()->set_authority_pem(m.authority_pem);
  }
};

Result<Reason> reason_from(uint32_t number) {
  if (number > static_cast<uint32_t>(Reason::kExpired)) return malformed("unknown reason");
  return static_cast<Reason>(number);
}

Result<Message> decode_hello(const pb::Hello& p) {
  Hello m;
  if (!is_valid_name(p.client())) return malformed("hello.client is not a valid name");
  m.client = p.client();
  m.train_examples = p.train_examples();
  m.test_examples = p.test_examples();
  ATOLL_TRY(read_text(m.software, p.software(), kMaxText, "hello.software"));
  return Message(m);
}

bool is_identity(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<Message> decode_welcome(const pb::Welcome& p) {
  Welcome m;
  if (!is_valid_name(p.run())) return malformed("welcome.run is not a valid name");
  m.run = p.run();
  m.seed = p.seed();
  m.total_rounds = p.total_rounds();
  ATOLL_TRY(from_pb(p.model(), m.model));
  m.poll_ms = p.poll_ms();
  if (!p.identity().empty() && !is_identity(p.identity()))
    return malformed("welcome.identity is not 32 hexadecimal digits");
  m.identity = p.identity();
  return Message(m);
}

Result<Message> decode_task(const pb::Task& p) {
  Task m;
  if (p.kind() > static_cast<uint32_t>(TaskKind::kDone)) return malformed("task.kind is unknown");
  m.kind = static_cast<TaskKind>(p.kind());
  m.round = p.round();
  m.total_rounds = p.total_rounds();
  m.seed = p.seed();
  m.train = p.train();
  m.evaluate = p.evaluate();
  ATOLL_TRY(from_pb(p.settings(), m.settings));
  m.model_bytes = p.model_bytes();
  if (m.model_bytes > Manifest::kMaxBytes) return malformed("task.model_bytes is over the limit");
  ATOLL_TRY(read_digest(m.model_digest, p.model_digest(), "task.model_digest"));
  return Message(m);
}

Result<Message> decode_offer(const pb::Offer& p) {
  Offer m;
  m.round = p.round();
  m.update_bytes = p.update_bytes();
  if (m.update_bytes > Manifest::kMaxBytes)
    return malformed("offer.update_bytes is over the limit");
  ATOLL_TRY(read_digest(m.update_digest, p.update_digest(), "offer.update_digest"));
  ATOLL_TRY(from_pb(p.report(), m.report));
  return Message(m);
}

Result<Message> decode_outcome(const pb::Outcome& p) {
  Outcome m;
  m.accepted = p.accepted();
  ATOLL_ASSIGN(m.reason, reason_from(p.reason()));
  ATOLL_TRY(read_text(m.text, p.text(), kMaxText, "outcome.text"));
  return Message(m);
}

Result<Message> decode_refused(const pb::Refused& p) {
  Refused m;
  ATOLL_ASSIGN(m.reason, reason_from(p.reason()));
  ATOLL_TRY(read_text(m.text, p.text(), kMaxText, "refused.text"));
  return Message(m);
}

Result<Message> decode_enrol(const pb::Enrol& p) {
  Enrol m;
  ATOLL_TRY(read_text(m.token, p.token(), kMaxText, "enrol.token"));
  ATOLL_TRY(read_text(m.csr_pem, p.csr_pem(), kMaxPem, "enrol.csr_pem"));
  return Message(m);
}

Result<Message> decode_enrolled(const pb::Enrolled& p) {
  Enrolled m;
  ATOLL_TRY(read_text(m.certificate_pem, p.certificate_pem(), kMaxPem, "enrolled.certificate_pem"));
  ATOLL_TRY(read_text(m.authority_pem, p.authority_pem(), kMaxPem, "enrolled.authority_pem"));
  return Message(m);
}

}  // namespace

std::string_view to_string(Reason reason) {
  constexpr std::string_view kNames[] = {
      "none",        "unauthenticated", "wrong_name",  "model_mismatch", "unexpected",
      "stale_round", "not_selected",    "wrong_size",  "wrong_hash",     "not_finite",
      "bad_token",   "bad_request",     "busy",        "server_error",   "no_data",
      "duplicate",   "quarantined",     "not_allowed", "expired"};
  const auto number = static_cast<size_t>(reason);
  return number < std::size(kNames) ? kNames[number] : "unknown";
}

std::string_view name_of(const Message& message) {
  constexpr std::string_view kNames[] = {
      "hello", "welcome", "join",    "joined",  "next-task", "task",  "fetch",    "ping", "pong",
      "offer", "grant",   "outcome", "refused", "bye",       "enrol", "enrolled", "renew"};
  static_assert(std::size(kNames) == std::variant_size_v<Message>);
  return kNames[message.index()];
}

Bytes encode(const Message& message) {
  pb::Message out;
  std::visit(Encoder{out}, message);
  Bytes bytes(out.ByteSizeLong());
  out.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

Result<Message> decode(ByteView payload) {
  // What is wrong with a peer's bytes is in the Error; Protobuf need not print it too.
  static const bool quiet = (google::protobuf::SetLogHandler(nullptr), true);
  (void)quiet;
  ATOLL_TRY(check_join_bounds(payload));
  pb::Message in;
  if (!in.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return malformed("not a version 1 message");
  }
  switch (in.body_case()) {
    case pb::Message::kHello:
      return decode_hello(in.hello());
    case pb::Message::kWelcome:
      return decode_welcome(in.welcome());
    case pb::Message::kJoin: {
      ATOLL_ASSIGN(auto manifest, from_pb(in.join()));
      return Message(Join{std::move(manifest)});
    }
    case pb::Message::kJoined:
      return Message(Joined{});
    case pb::Message::kNextTask:
      return Message(NextTask{});
    case pb::Message::kTask:
      return decode_task(in.task());
    case pb::Message::kFetch:
      return Message(Fetch{in.fetch().round(), in.fetch().transfer(), in.fetch().offset()});
    case pb::Message::kPing:
      return Message(Ping{in.ping().round(), in.ping().steps_done(), in.ping().steps_total()});
    case pb::Message::kPong:
      return Message(Pong{in.pong().round_open()});
    case pb::Message::kOffer:
      return decode_offer(in.offer());
    case pb::Message::kGrant:
      return Message(Grant{in.grant().transfer(), in.grant().offset()});
    case pb::Message::kOutcome:
      return decode_outcome(in.outcome());
    case pb::Message::kRefused:
      return decode_refused(in.refused());
    case pb::Message::kBye: {
      Bye m;
      ATOLL_TRY(read_text(m.text, in.bye().text(), kMaxText, "bye.text"));
      return Message(m);
    }
    case pb::Message::kEnrol:
      return decode_enrol(in.enrol());
    case pb::Message::kRenew: {
      Renew m;
      ATOLL_TRY(read_text(m.csr_pem, in.renew().csr_pem(), kMaxPem, "renew.csr_pem"));
      return Message(m);
    }
    case pb::Message::kEnrolled:
      return decode_enrolled(in.enrolled());
    case pb::Message::BODY_NOT_SET:
      break;
  }
  return malformed("no known body");
}

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() == '.') return false;
  for (char c : name) {
    bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '.' || c == '_' || c == '-';
    if (!good) return false;
  }
  return true;
}

}  // namespace atl::wire
