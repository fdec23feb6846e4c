#include "common/flight/recorder.h"

#include <unistd.h>

#include <map>

#include "common/flight/book.h"
#include "common/flight/dump.h"
#include "common/net/session_around.h"

namespace atl::flight {
namespace {

using net::awaitable;

// Holds its book, so that a session may outlive the recorder.
class RecordedSession : public net::SessionAround {
 public:
  RecordedSession(std::unique_ptr<net::Session> inner, std::shared_ptr<Book> book, Log& log)
      : SessionAround(std::move(inner)), book_(std::move(book)), log_(log) {
    log_.name.set(peer().name);
    log_.address.set(peer().address);
    note(State::kConnected);
  }
  ~RecordedSession() override { book_->end(log_); }

  awaitable<Status> send(wire::FrameKind kind, ByteView head, ByteView body) override {
    book_->push_frame(log_, Way::kOut, kind, head, head.size() + body.size());
    auto sent = co_await inner().send(kind, head, body);
    if (!sent) book_->failed(log_, sent.error());
    co_return sent;
  }
  awaitable<Result<wire::FrameKind>> receive(Bytes& payload, net::Duration patience) override {
    auto kind = co_await inner().receive(payload, patience);
    if (kind)
      book_->push_frame(log_, Way::kIn, *kind, payload, payload.size());
    else
      book_->failed(log_, kind.error());
    co_return kind;
  }
  void close() override {
    if (!std::exchange(closed_, true)) note(State::kClosed);
    SessionAround::close();
  }

  void note(State state) { book_->push(log_, Way::kState, static_cast<uint8_t>(state)); }
  Log& log() { return log_; }

 private:
  std::shared_ptr<Book> book_;
  Log& log_;
  bool closed_ = false;
};

class RecordedConnector : public net::Connector {
 public:
  RecordedConnector(std::unique_ptr<net::Connector> inner, std::shared_ptr<Book> book)
      : inner_(std::move(inner)), book_(std::move(book)) {}

  awaitable<Result<std::unique_ptr<net::Session>>> connect() override {
    // Within the coroutine, so that an attempt that is given up ends as well.
    Attempt attempt(book_, inner_->target());
    auto session = co_await inner_->connect();
    if (!session) {
      book_->failed(*attempt.log, session.error());
      co_return std::move(session).error();
    }
    Log& log = *std::exchange(attempt.log, nullptr);
    log.joined = true;
    co_return std::make_unique<RecordedSession>(std::move(*session), book_, log);
  }
  std::string target() const override { return inner_->target(); }

 private:
  struct Attempt {
    Attempt(std::shared_ptr<Book> owner, const std::string& target)
        : book(std::move(owner)), log(&book->begin("", target)) {
      book->push(*log, Way::kState, static_cast<uint8_t>(State::kConnecting));
    }
    ~Attempt() {
      if (log != nullptr) book->end(*log);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    std::shared_ptr<Book> book;
    Log* log;
  };
  std::unique_ptr<net::Connector> inner_;
  std::shared_ptr<Book> book_;
};

RecordedSession* recorded(net::Session& session) {
  return dynamic_cast<RecordedSession*>(&session);
}

}  // namespace

std::string_view to_string(Cause cause) {
  constexpr std::string_view kNames[] = {"deadline", "signal", "crash"};
  return kNames[static_cast<size_t>(cause)];
}

Recorder::Recorder() = default;
Recorder::~Recorder() = default;

void Recorder::open(Options options) { book_ = std::make_shared<Book>(std::move(options)); }

std::unique_ptr<net::Session> Recorder::record(std::unique_ptr<net::Session> session) {
  if (book_ == nullptr) return session;
  Log& log = book_->begin("", "");
  return std::make_unique<RecordedSession>(std::move(session), book_, log);
}

std::unique_ptr<net::Connector> Recorder::record(std::unique_ptr<net::Connector> connector) {
  if (book_ == nullptr) return connector;
  return std::make_unique<RecordedConnector>(std::move(connector), book_);
}

void Recorder::note(State state, uint32_t round, uint64_t value) {
  if (book_ == nullptr) return;
  book_->run.round = round;
  book_->push(book_->run, Way::kState, static_cast<uint8_t>(state), value);
}

void Recorder::turned_away(std::string_view cause, std::string_view address, std::string_view name,
                           std::string_view text) {
  if (book_ == nullptr || book_->options.turned_away == 0) return;
  auto& away = book_->away;
  const bool filling = away.size() < book_->options.turned_away;
  TurnedAway& one = filling ? away.emplace_back() : away[book_->next_away];
  if (!filling) book_->next_away = (book_->next_away + 1) % away.size();
  one.at = book_->now();
  one.cause.set(cause);
  one.address.set(address);
  one.name.set(name);
  one.text.set(text);
}

void Recorder::missed_deadline(const std::vector<std::string>& names, uint32_t round,
                               const std::string& why) {
  if (book_ == nullptr) return;
  std::map<std::string_view, Log*> newest;
  for (const auto& name : names) newest[name] = nullptr;
  const auto is_of = [&newest](const Log& log) {
    return log.joined && newest.count(log.name.view()) != 0;
  };
  for (auto* logs : {&book_->past, &book_->live}) {
    for (Log& log : *logs)
      if (is_of(log)) newest[log.name.view()] = &log;
  }
  for (const auto& [name, log] : newest) {
    if (log == nullptr) continue;
    log->round = round;
    book_->push(*log, Way::kState, static_cast<uint8_t>(State::kMissedDeadline));
  }
  book_->dump_and_tell(Cause::kDeadline, why, is_of);
}

Result<std::string> Recorder::dump(Cause cause, const std::string& why) {
  if (book_ == nullptr) return Error(ErrorCode::kUsage, "nothing is recorded");
  return book_->dump(cause, why, {});
}

size_t Recorder::memory() const { return book_ == nullptr ? 0 : book_->budget.used; }
size_t Recorder::sessions() const {
  return book_ == nullptr ? 0 : book_->live.size() + book_->past.size();
}

void Recorder::write_crash(int descriptor, std::string_view why) const {
  const auto put = [](void* to, std::string_view line) {
    while (!line.empty()) {
      const ssize_t done = ::write(*static_cast<int*>(to), line.data(), line.size());
      if (done <= 0) return;
      line.remove_prefix(static_cast<size_t>(done));
    }
  };
  if (book_ != nullptr)
    write_lines(*book_, {to_string(Cause::kCrash), why}, nullptr, {put, &descriptor});
}
std::string Recorder::folder() const { return book_ == nullptr ? "" : book_->options.folder; }

void note(net::Session& session, State state) {
  if (auto* one = recorded(session)) one->note(state);
}
void joined(net::Session& session, const std::string& name) {
  auto* one = recorded(session);
  if (one == nullptr) return;
  one->log().name.set(name);
  one->log().joined = true;
}
void ended(net::Session& session, const Error& why) {
  if (auto* one = recorded(session)) one->log().error.set(why.message());
}

}  // namespace atl::flight
