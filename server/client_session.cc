#include "server/client_session.h"

#include "common/core/fault.h"
#include "common/core/log.h"
#include "common/wire/frame.h"
#include "server/admission/enrolment.h"
#include "server/aggregation/policy.h"
#include "server/metrics/events.h"

namespace atl::server {
namespace {

using net::awaitable;
using wire::Reason;

// How long a silent connection is kept. Clients send something at least every heartbeat
// (client/federation_loop.h).
constexpr net::Duration kSilence = std::chrono::seconds(60);
// How long one that was turned away may still be talking; it reads why once it is done.
constexpr net::Duration kLinger = std::chrono::seconds(1);
// Of a manifest, while the run has none to compare it with, and at least.
constexpr uint32_t kLeastJoin = 1u << 20;

constexpr size_t kSmallBuffer = 16 << 10;

class ClientSession {
 public:
  ClientSession(std::unique_ptr<net::Session> session, Context& context)
      : session_(std::move(session)), context_(context), place_(context.door, *session_) {
    context_.live.insert(session_.get());
  }
  ~ClientSession() {
    context_.live.erase(session_.get());
    leave();
  }

  awaitable<Status> run() {
    if (!place_.admitted())
      co_return co_await turn_away(Reason::kBusy, "the server has no room for another connection");
    ATOLL_CO_TRY(co_await greet());
    for (;;) {
      ATOLL_CO_ASSIGN(auto message, co_await receive(told_done_ ? context_.bye_within : kSilence));
      ATOLL_CO_TRY(co_await answer(std::move(message)));
      // What a large message or an update needed is not kept while the client trains.
      if (buffer_.capacity() > kSmallBuffer) Bytes().swap(buffer_);
    }
  }

  awaitable<void> refuse(Reason reason, std::string text) {
    prepare(wire::Refused{reason, std::move(text)});
    (void)co_await send();
  }
  // It broke the protocol: that costs a client that has joined the round, as a bad update does.
  void blame(const std::string& why) {
    if (name_.empty()) return;
    flight::note(*session_, flight::State::kBlamed);
    auto* participant = context_.round == nullptr ? nullptr : context_.round->active(name_);
    if (participant != nullptr) context_.round->fail(*participant);
    strike(why);
  }
  bool misbehaved() const { return misbehaved_; }

  // No round counts on it any more.
  void leave() {
    if (name_.empty()) return;
    context_.registry.leave(std::exchange(name_, {}), session_.get());
    context_.changed.notify();
  }
  // What the audit log and the flight recorder keep of how it ended.
  void ended(const Error& why) {
    flight::ended(*session_, why);
    if (!name_.empty())
      audit(AuditEvent::kLeft, "", why.message());
    else if (why.code() == ErrorCode::kProtocol || why.code() == ErrorCode::kDeadline)
      audit(AuditEvent::kRefused, to_string(why.code()), why.message());
  }
  awaitable<void> linger() { co_await session_->linger(kLinger); }
  std::string label() const { return name_.empty() ? session_->peer().address : name_; }
  // deny() has said all there is to say.
  bool was_denied() const { return denied_; }
  void close() { session_->close(); }

 private:
  // Two steps, because g++ 12 destroys aggregates twice that are made inside a co_await expression.
  void prepare(const wire::Message& message) { reply_ = wire::encode(message); }
  awaitable<Status> send() {
    co_return co_await session_->send(wire::FrameKind::kControl, reply_, {});
  }

  // With the name that is proven, if any.
  void audit(AuditEvent event, std::string_view reason, const std::string& text) {
    const auto& peer = session_->peer();
    const auto& proven = name_.empty() && peer.authenticated ? peer.name : name_;
    context_.audit->record({event, proven, peer.address, peer.serial, std::string(reason), text});
  }

  // Chunks come only where the intake says so.
  awaitable<Result<wire::Message>> receive(net::Duration patience = kSilence) {
    ATOLL_CO_ASSIGN(auto kind, co_await session_->receive(buffer_, patience));
    if (kind != wire::FrameKind::kControl)
      co_return Error(ErrorCode::kProtocol, "a chunk where a message belongs");
    co_return wire::decode(buffer_);
  }

  // What is taken from a client, and how slowly, depends on how far it is (server/door.h).
  enum class Stage { kGreeting, kJoining, kJoined, kUploading };
  void take_in(Stage stage) {
    const auto& limits = context_.door.limits;
    net::Intake intake{limits.control, 0};
    if (stage == Stage::kUploading) intake.chunk = wire::max_payload(wire::FrameKind::kChunk);
    if (stage == Stage::kGreeting) intake.control = limits.greeting;
    if (stage == Stage::kJoining) {
      intake.control = most_of_a_join();
      intake.hold = [this](uint64_t bytes) -> Status {
        if (place_.hold(bytes)) return {};
        crowded_ = true;
        return Error(ErrorCode::kRefused, "too many manifests at once");
      };
    }
    if (stage == Stage::kGreeting || stage == Stage::kJoining) {
      intake.pace = limits.pace;
      intake.grace = limits.grace;
    }
    session_->set_intake(std::move(intake));
    flight::note(*session_, state_of(stage));
  }
  static flight::State state_of(Stage stage) {
    constexpr flight::State kStates[] = {flight::State::kGreeting, flight::State::kJoining,
                                         flight::State::kJoined, flight::State::kUploading};
    return kStates[static_cast<size_t>(stage)];
  }
  // A manifest twice as long as the run's is another model's, and not worth its memory.
  uint32_t most_of_a_join() const {
    if (!context_.store->has_model()) return wire::kMaxControl;
    const uint64_t ours = memory_of(context_.store->model()->manifest());
    return static_cast<uint32_t>(std::clamp<uint64_t>(2 * ours, kLeastJoin, wire::kMaxControl));
  }

  // Ends the session with the reason told to the client. The one way out for everything that is
  // refused.
  awaitable<Status> turn_away(Reason reason, std::string text) {
    if (!name_.empty()) context_.registry.gone(name_);
    audit(AuditEvent::kRefused, to_string(reason), text);
    misbehaved_ = reason == Reason::kUnexpected || reason == Reason::kWrongSize;
    co_await refuse(reason, text);
    co_return Error(ErrorCode::kRefused, std::move(text));
  }

  // The same for who may not come in at all.
  awaitable<Status> shut_out(Denied denied) {
    const Reason reason = deny(context_, denied);
    denied_ = true;
    co_await refuse(reason, denied.text);
    co_return Error(ErrorCode::kRefused, std::move(denied.text));
  }

  // The first messages: enrolment, or who the client is and what model it has.
  awaitable<Status> greet() {
    take_in(Stage::kGreeting);
    ATOLL_CO_ASSIGN(auto first, co_await receive(context_.door.limits.grace));
    const auto& peer = session_->peer();
    if (auto denied = examine(context_, peer, first))
      co_return co_await shut_out(std::move(*denied));
    if (std::holds_alternative<wire::Enrol>(first) || std::holds_alternative<wire::Renew>(first))
      co_return co_await enrol_client(std::move(first));
    auto* hello = std::get_if<wire::Hello>(&first);
    if (hello == nullptr)
      co_return co_await turn_away(Reason::kUnexpected, "the first message must be hello");
    if (hello->train_examples == 0 && hello->test_examples == 0) {
      co_return co_await turn_away(Reason::kNoData,
                                   "the client has neither training nor test examples");
    }
    if (auto out = context_.quarantine.contains(hello->client); !out || *out) {
      if (!out) co_return co_await turn_away(Reason::kServerError, out.error().message());
      co_return co_await turn_away_quarantined(hello->client);
    }
    const auto poll = std::min<int64_t>(context_.config.poll.count(), UINT32_MAX);
    prepare(wire::Welcome{context_.config.name, context_.config.seed, context_.config.rounds,
                          context_.config.model, static_cast<uint32_t>(poll),
                          context_.store->identity()});
    ATOLL_CO_TRY(co_await send());
    ATOLL_CO_TRY(co_await take_manifest());
    name_ = hello->client;
    place_.joined();
    flight::joined(*session_, name_);
    take_in(Stage::kJoined);
    Member member{hello->train_examples, hello->test_examples, session_.get(), peer.address};
    context_.registry.join(name_, std::move(member));
    log::info("server", name_ + " joined from " + peer.address);
    audit(AuditEvent::kJoined, "", hello->software);
    emit_clients(context_);
    context_.changed.notify();
    prepare(wire::Joined{});
    co_return co_await send();
  }

  // The manifest is kept only while there is no model yet: the first client's becomes the run's.
  awaitable<Status> take_manifest() {
    take_in(Stage::kJoining);
    auto second = co_await receive();
    buffer_ = Bytes();  // a manifest may be far larger than anything that follows
    place_.hold(0);
    if (crowded_) co_return co_await turn_away_crowded();
    if (!second) co_return std::move(second).error();
    auto* join = std::get_if<wire::Join>(&*second);
    if (join == nullptr)
      co_return co_await turn_away(Reason::kUnexpected, "after welcome comes join");
    model_ = join->manifest.digest();
    model_bytes_ = join->manifest.total_bytes();
    if (!has_the_runs_model()) co_return co_await turn_away_for_its_model(join->manifest);
    if (context_.store->has_model()) co_return Status();
    if (auto usable = can_be_the_first(join->manifest); !usable)
      co_return co_await turn_away(
          Reason::kModelMismatch,
          "the run cannot have the client's model: " + usable.error().message());
    manifest_ = context_.door.share(std::move(join->manifest));
    if (manifest_ == nullptr) co_return co_await turn_away_crowded();
    co_return Status();
  }
  // A model that cannot be aggregated or kept would end the run once it is the run's.
  Status can_be_the_first(const Manifest& manifest) const {
    if (auto policy = Policy::make(context_.config.policy, manifest); !policy)
      return std::move(policy).error();
    return can_be_written(manifest);
  }
  awaitable<Status> turn_away_crowded() {
    co_return co_await turn_away(Reason::kBusy,
                                 "too many manifests at once; the client may try again");
  }

  bool has_the_runs_model() const {
    return !context_.store->has_model() || context_.store->model()->manifest().digest() == model_;
  }
  awaitable<Status> turn_away_for_its_model(Manifest theirs) {
    const auto& ours = context_.store->model()->manifest();
    co_return co_await turn_away(Reason::kModelMismatch,
                                 "the client's model is not the run's (server | client): " +
                                     Manifest::describe_difference(ours, theirs));
  }
  // A client that joined before there was a model may find that another client's became the run's.
  awaitable<Status> check_model() {
    if (manifest_ == nullptr || !context_.store->has_model()) co_return Status();
    const auto theirs = std::exchange(manifest_, nullptr);
    if (has_the_runs_model()) co_return Status();
    auto* participant = context_.round == nullptr ? nullptr : context_.round->active(name_);
    if (participant != nullptr) context_.round->fail(*participant);
    co_return co_await turn_away_for_its_model(*theirs);
  }

  awaitable<Status> turn_away_quarantined(std::string client) {
    co_return co_await turn_away(Reason::kQuarantined,
                                 client +
                                     " is in quarantine: updates of it were refused too often in a "
                                     "row; the server's operator may release it");
  }

  // A token, or a certificate that runs out, for a new certificate.
  awaitable<Status> enrol_client(wire::Message request) {
    if (context_.enrolment == nullptr) {
      co_return co_await turn_away(Reason::kUnexpected, "this server does not enrol clients");
    }
    auto outcome = answer_enrolment(context_, session_->peer(), request);
    if (auto* denied = std::get_if<Denied>(&outcome))
      co_return co_await shut_out(std::move(*denied));
    if (auto* error = std::get_if<Error>(&outcome))
      co_return co_await turn_away(Reason::kServerError, error->message());
    prepare(std::get<wire::Enrolled>(outcome));
    ATOLL_CO_TRY(co_await send());
    co_return Error(ErrorCode::kNetwork, "the connection has done its work");
  }

  awaitable<Status> answer(wire::Message message) {
    ATOLL_CO_TRY(co_await check_model());
    if (std::holds_alternative<wire::NextTask>(message)) co_return co_await answer_next_task();
    if (auto* fetch = std::get_if<wire::Fetch>(&message)) co_return co_await answer_fetch(*fetch);
    if (auto* ping = std::get_if<wire::Ping>(&message)) co_return co_await answer_ping(*ping);
    if (auto* offer = std::get_if<wire::Offer>(&message))
      co_return co_await answer_offer(std::move(*offer));
    if (auto* bye = std::get_if<wire::Bye>(&message)) {
      context_.registry.gone(name_);
      co_return Error(ErrorCode::kNetwork, "the client left: " + bye->text);
    }
    co_return co_await turn_away(Reason::kUnexpected, std::string(wire::name_of(message)) +
                                                          " is not for a server to answer");
  }

  // Long poll: answers as soon as there is something to do, with "wait" when nothing came up for a
  // while.
  awaitable<Status> answer_next_task() {
    const auto until = std::chrono::steady_clock::now() + context_.config.poll;
    for (;;) {
      if (context_.live.count(session_.get()) == 0)
        co_return Error(ErrorCode::kNetwork, "the session was cut");
      ATOLL_CO_TRY(co_await check_model());
      if (context_.finished) {
        told_done_ = true;
        prepare(wire::Task{.kind = wire::TaskKind::kDone});
        co_return co_await send();
      }
      if (context_.round != nullptr) {
        if (const wire::Task* task = context_.round->task_for(name_)) {
          auto* participant = context_.round->active(name_);
          if (participant != nullptr) context_.round->progress(*participant, Phase::kWaiting);
          prepare(*task);
          co_return co_await send();
        }
      }
      auto left =
          std::chrono::duration_cast<net::Duration>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        // The round tells the client which updates it need not keep any more.
        prepare(wire::Task{.kind = wire::TaskKind::kWait, .round = context_.store->round()});
        co_return co_await send();
      }
      co_await context_.changed.wait_for(left);
    }
  }

  awaitable<Status> answer_fetch(wire::Fetch fetch) {
    ATOLL_CO_TRY(fault::point("broadcast"));
    auto round = context_.round;
    Participant* participant = round == nullptr ? nullptr : round->active(name_);
    if (participant == nullptr || round->number() != fetch.round || fetch.round == 0) {
      prepare(wire::Refused{Reason::kStaleRound,
                            "round " + std::to_string(fetch.round) + " is closed"});
      co_return co_await send();
    }
    auto model = context_.store->model();  // keeps the file open though a newer one may replace it
    const uint64_t total = model->manifest().total_bytes();
    if (fetch.offset > total || fetch.offset % 8 != 0) {
      co_return co_await turn_away(Reason::kWrongSize, "a model cannot be fetched from byte " +
                                                           std::to_string(fetch.offset));
    }
    Bytes piece;
    for (uint64_t offset = fetch.offset; offset < total; offset += piece.size()) {
      piece.resize(std::min<uint64_t>(wire::kChunkSize, total - offset));
      ATOLL_CO_TRY(model->read_flat(offset, piece));
      const auto head = wire::encode(wire::ChunkHeader{fetch.transfer, offset});
      ATOLL_CO_TRY(co_await session_->send(wire::FrameKind::kChunk, head, piece));
      context_.bytes_down += piece.size();
      if (auto* p = round->active(name_)) {
        p->bytes_down += piece.size();
        round->progress(*p, Phase::kFetching);
      }
    }
    co_return Status();
  }

  awaitable<Status> answer_ping(wire::Ping ping) {
    auto round = context_.round;
    Participant* participant = round == nullptr ? nullptr : round->active(name_);
    const bool open = participant != nullptr && round->number() == ping.round;
    if (open && ping.steps_done > participant->steps_done) {
      participant->steps_done = ping.steps_done;
      round->progress(*participant, Phase::kTraining);
    }
    prepare(wire::Pong{open});
    co_return co_await send();
  }

  awaitable<Status> answer_offer(wire::Offer offer) {
    ATOLL_CO_TRY(fault::point("upload.begin"));
    auto round = context_.round;
    if (round == nullptr || round->number() != offer.round) {
      prepare(wire::Outcome{false, Reason::kStaleRound, "the round is closed"});
      co_return co_await send();
    }
    auto known = round->participants().find(name_);
    if (known != round->participants().end() && known->second.phase == Phase::kDone) {
      prepare(wire::Outcome{true, Reason::kNone, "already have it"});
      co_return co_await send();
    }
    Participant* participant = offer.round == 0 ? initializer(*round) : round->active(name_);
    if (participant == nullptr) {
      prepare(wire::Outcome{false, Reason::kNotSelected, "not in this round"});
      co_return co_await send();
    }
    participant->report = offer.report;
    if (!participant->train) {
      round->done(*participant);
      prepare(wire::Outcome{true, Reason::kNone, ""});
      co_return co_await send();
    }
    if (offer.update_bytes != model_bytes_) {
      Refusal refusal{Reason::kWrongSize, "an update of " + std::to_string(offer.update_bytes) +
                                              " bytes for a model of " +
                                              std::to_string(model_bytes_)};
      co_return co_await reject(round, std::move(refusal));
    }
    if (offer.round != 0 && offer.report.examples == 0) {
      Refusal refusal{Reason::kNoData, "an update from no examples"};
      co_return co_await reject(round, std::move(refusal));
    }
    co_return co_await take_update(std::move(round), std::move(offer));
  }

  // Round 0 has no cohort: the first offer wins, and all are equal.
  Participant* initializer(Round& round) {
    if (round.participants().empty()) {
      round.add(name_, true, false);
      round.set_manifest(manifest_);
    }
    return round.active(name_);
  }

  // A piece of an update on its way to the spool. It owns its bytes: the session may end first.
  struct Piece {
    Bytes frame;
    std::optional<Result<std::optional<Refusal>>> taken;

    // What became of it: an error of the server's own; or a refusal, noted in `refusal`.
    std::optional<Error> settle(std::optional<Refusal>& refusal) {
      if (!taken) return std::nullopt;
      auto outcome = *std::exchange(taken, std::nullopt);
      if (!outcome) return std::move(outcome).error();
      refusal = std::move(outcome).value();
      return std::nullopt;
    }
  };

  // Null when the client is out of the round, or has begun another update on a newer connection
  // while pieces of this one were still under way.
  Participant* uploading(Round& round, const std::shared_ptr<Upload>& upload) {
    auto* participant = round.active(name_);
    return participant != nullptr && participant->upload == upload ? participant : nullptr;
  }

  awaitable<Status> take_update(std::shared_ptr<Round> round, wire::Offer offer) {
    Participant* participant = round->active(name_);
    // The last piece of a connection that broke may still be on its way to the spool.
    auto earlier = participant->appending;
    if (earlier != nullptr) co_await earlier->finish();
    participant = round->active(name_);
    if (participant == nullptr) co_return co_await too_late();
    if (participant->upload == nullptr || participant->upload->expected() != offer.update_digest) {
      participant->upload.reset();
      auto created =
          Upload::create(context_.store->spool(), round->manifest(), offer.update_digest);
      if (!created) co_return co_await fail_here(round, created.error());
      participant->upload = std::move(created).value();
      participant->appending = std::make_shared<net::Beside>(context_.executor, context_.compute);
    }
    const auto upload = participant->upload;
    const auto appending = participant->appending;
    const uint64_t transfer = next_transfer_++;
    uint64_t offset = upload->received();
    const uint64_t total = model_bytes_;
    take_in(Stage::kUploading);
    prepare(wire::Grant{transfer, offset});
    ATOLL_CO_TRY(co_await send());
    std::optional<Refusal> refusal;
    const auto piece = std::make_shared<Piece>();
    while (offset < total) {
      ATOLL_CO_ASSIGN(auto kind, co_await session_->receive(buffer_, kSilence));
      if (kind != wire::FrameKind::kChunk)
        co_return co_await turn_away(Reason::kUnexpected, "a chunk was expected");
      ByteView data;
      ATOLL_CO_ASSIGN(auto header, wire::decode_chunk(buffer_, data));
      if (header.transfer != transfer || data.empty() || data.size() > total - offset) {
        co_return co_await turn_away(Reason::kWrongSize,
                                     "a chunk that is not of this transfer, empty or too long");
      }
      offset += data.size();
      context_.bytes_up += data.size();
      participant = uploading(*round, upload);
      // After a refusal, or when the round closed meanwhile, the rest is read and dropped: the
      // client listens only after its last piece.
      if (participant == nullptr || refusal) continue;
      participant->bytes_up += data.size();
      round->progress(*participant, Phase::kUploading);
      ATOLL_CO_TRY(fault::point("upload.chunk"));
      // The piece before was checked, hashed and written while this one arrived.
      co_await appending->finish();
      if (auto failed = piece->settle(refusal)) co_return co_await fail_here(round, *failed);
      if (refusal) continue;
      std::swap(piece->frame, buffer_);  // the bytes stay where they are
      appending->start([upload, piece, at = header.offset, data] {
        piece->taken.emplace(upload->append(at, data));
      });
    }
    take_in(Stage::kJoined);
    co_await appending->finish();
    if (auto failed = piece->settle(refusal)) co_return co_await fail_here(round, *failed);
    ATOLL_CO_TRY(fault::point("upload.end"));
    participant = uploading(*round, upload);
    if (participant == nullptr) co_return co_await too_late();
    if (!refusal) refusal = upload->finish();
    if (refusal) co_return co_await reject(round, *refusal);
    context_.quarantine.forgive(name_);
    round->done(*participant);
    audit(AuditEvent::kUpdateAccepted, "", "round " + std::to_string(round->number()));
    emit_progress(context_);
    prepare(wire::Outcome{true, Reason::kNone, ""});
    co_return co_await send();
  }

  awaitable<Status> too_late() {
    prepare(
        wire::Outcome{false, Reason::kStaleRound, "the round closed before the update was whole"});
    co_return co_await send();
  }

  // The update is bad: it costs its sender the round, and nobody else anything.
  awaitable<Status> reject(std::shared_ptr<Round> round, Refusal refusal) {
    if (auto* participant = round->active(name_)) round->fail(*participant);
    log::warn("server", name_ + ": update refused: " + refusal.text);
    audit(AuditEvent::kUpdateRefused, to_string(refusal.reason), refusal.text);
    emit_refused(context_, name_, round->number(), to_string(refusal.reason), refusal.text);
    const bool out = strike(refusal.text);
    prepare(wire::Outcome{false, refusal.reason, refusal.text});
    ATOLL_CO_TRY(co_await send());
    if (out) co_return co_await turn_away_quarantined(name_);
    co_return Status();
  }

  // One more refusal. True when the client is out from now on.
  bool strike(const std::string& reason) {
    const auto& round = context_.round;
    Quarantine::Entry entry{name_, reason, utc_now(), round == nullptr ? 0 : round->number()};
    if (!context_.quarantine.strike(entry)) return false;
    log::warn("server", name_ + " is in quarantine; the last reason: " + reason);
    if (round != nullptr) round->expel(name_);
    emit_quarantined(context_, entry);
    return true;
  }

  // The server could not do its part (disk full): the client keeps its update and offers it again.
  awaitable<Status> fail_here(std::shared_ptr<Round> round, Error error) {
    log::error("server", "cannot take the update of " + name_ + ": " + error.message());
    if (auto* participant = round->active(name_)) participant->upload.reset();
    co_await refuse(Reason::kServerError, error.message());
    co_return error;
  }

  std::unique_ptr<net::Session> session_;
  Context& context_;
  Door::Place place_;
  std::string name_;  // empty before it has joined
  Digest model_{};    // of its manifest
  uint64_t model_bytes_ = 0;
  std::shared_ptr<const Manifest> manifest_;  // null once the run has a model
  bool crowded_ = false, misbehaved_ = false;
  Bytes buffer_, reply_;
  uint64_t next_transfer_ = 1;
  bool denied_ = false;
  bool told_done_ = false;  // that the run is complete
};

}  // namespace

awaitable<void> serve_client(std::unique_ptr<net::Session> session, Context& context,
                             std::function<void()> on_end) {
  ClientSession client(std::move(session), context);
  auto ended = co_await client.run();
  const Error& why = ended.error();  // run() returns only with a reason
  const bool broken = why.code() == ErrorCode::kProtocol;
  if (broken) {
    log::warn("server", client.label() + ": " + why.message());
    co_await client.refuse(Reason::kUnexpected, why.message());
  } else if (!client.was_denied()) {
    log::info("server", client.label() + ": " + why.message());
  }
  client.ended(why);
  if (broken || client.misbehaved()) client.blame(why.message());
  client.leave();
  if (broken || why.code() == ErrorCode::kRefused) co_await client.linger();
  client.close();
  on_end();
}

}  // namespace atl::server
