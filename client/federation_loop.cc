#include "client/federation_loop.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/this_coro.hpp>

#include "client/kept_update.h"
#include "client/local_trainer.h"
#include "common/core/fault.h"
#include "common/core/transfer_hash.h"
#include "common/core/version.h"
#include "common/flight/recorder.h"
#include "common/net/backoff.h"
#include "common/net/event.h"
#include "common/net/offload.h"

namespace atl::client {
namespace {

using net::awaitable;

// A finished task, kept until the server has committed or outlived its round.
struct Finished {
  Digest key{};  // of the task that it answers
  wire::Offer offer;
  std::optional<KeptUpdate> file;  // else the trainer has the bytes
};

// A model on its way in. It goes on where it was when the connection broke.
struct Download {
  uint32_t round = 0;
  Digest model{};
  uint64_t offset = 0;
  TransferHash hash;
};

struct Training {
  explicit Training(asio::any_io_executor executor) : over(std::move(executor)) {}
  net::Event over;
  Progress progress;
  std::unique_ptr<Result<TrainReport>> result;
};

Digest digest_of(const Trainer& trainer) {
  TransferHash hash;
  Bytes piece;
  const uint64_t total = trainer.manifest().total_bytes();
  for (uint64_t offset = 0; offset < total; offset += piece.size()) {
    piece.resize(std::min<uint64_t>(wire::kChunkSize, total - offset));
    auto read = trainer.read(offset, piece);
    ATOLL_CHECK(read.ok(), "a trainer can always read its own model");
    hash.update(piece);
  }
  return hash.finish();
}

awaitable<void> train_on(asio::any_io_executor compute, Trainer& trainer, Task task,
                         std::shared_ptr<Training> training) {
  auto* raw = training.get();
  auto run = [&trainer, &task, raw] { return trainer.run(task, raw->progress); };
  auto result = co_await net::offload(compute, run);
  training->result = std::make_unique<Result<TrainReport>>(std::move(result));
  training->over.notify();
}

class Loop {
 public:
  Loop(net::Connector& connector, TrainerFactory factory, asio::any_io_executor compute,
       LoopOptions options)
      : connector_(connector),
        factory_(std::move(factory)),
        compute_(std::move(compute)),
        options_(std::move(options)),
        aside_(options_.aside ? options_.aside : compute_) {}

  awaitable<Status> run() {
    net::Backoff backoff(options_.retry_least, options_.retry_most,
                         Rng(std::hash<std::string>{}(options_.name), "backoff"));
    net::Event never(co_await asio::this_coro::executor);
    for (;;) {
      auto ended = co_await one_connection(backoff);
      if (ended) co_return Status();
      const auto code = ended.error().code();
      if (session_ != nullptr) flight::ended(*session_, ended.error());
      const bool temporary = code == ErrorCode::kNetwork || code == ErrorCode::kDeadline ||
                             code == ErrorCode::kProtocol || busy_;
      if (!temporary) co_await say_goodbye(ended.error().message());
      if (session_ != nullptr) session_->close();
      session_.reset();
      if (!temporary || options_.once) co_return ended;
      busy_ = false;
      const auto pause = backoff.next();
      options_.say(ended.error().message() + "; trying again in " + std::to_string(pause.count()) +
                   " ms");
      co_await never.wait_for(pause);
    }
  }

 private:
  // Two steps, because g++ 12 destroys aggregates twice that are made inside a co_await expression.
  void prepare(const wire::Message& message) { request_ = wire::encode(message); }
  awaitable<Status> send() {
    co_return co_await session_->send(wire::FrameKind::kControl, request_, {});
  }

  awaitable<void> say_goodbye(std::string why) {
    if (session_ == nullptr) co_return;
    prepare(wire::Bye{std::move(why)});
    (void)co_await send();
  }

  // The next message of the kind asked for. A refusal becomes an error.
  template <typename M>
  awaitable<Result<M>> expect() {
    co_return co_await expect<M>(options_.patience);
  }
  template <typename M>
  awaitable<Result<M>> expect(net::Duration patience) {
    ATOLL_CO_ASSIGN(auto kind, co_await session_->receive(buffer_, patience));
    if (kind != wire::FrameKind::kControl)
      co_return Error(ErrorCode::kProtocol, "a chunk where a message belongs");
    ATOLL_CO_ASSIGN(auto message, wire::decode(buffer_));
    if (auto* refused = std::get_if<wire::Refused>(&message)) co_return refusal(*refused);
    if (auto* wanted = std::get_if<M>(&message)) co_return std::move(*wanted);
    co_return Error(ErrorCode::kProtocol,
                    "unexpected answer: " + std::string(wire::name_of(message)));
  }

  Error refusal(const wire::Refused& refused) {
    using wire::Reason;
    auto code = ErrorCode::kRefused;
    if (refused.reason == Reason::kUnauthenticated || refused.reason == Reason::kWrongName)
      code = ErrorCode::kIdentity;
    if (refused.reason == Reason::kModelMismatch) code = ErrorCode::kModel;
    busy_ = refused.reason == Reason::kBusy || refused.reason == Reason::kServerError ||
            refused.reason == Reason::kStaleRound;
    return Error(code, "the server refused: " + refused.text);
  }

  awaitable<Status> one_connection(net::Backoff& backoff) {
    ATOLL_CO_TRY(fault::point("client.connect"));
    ATOLL_CO_ASSIGN(session_, co_await connector_.connect());
    session_->set_send_patience(options_.patience);
    ATOLL_CO_TRY(co_await join());
    backoff.reset();
    for (;;) {
      prepare(wire::NextTask{});
      ATOLL_CO_TRY(co_await send());
      ATOLL_CO_ASSIGN(auto task, co_await expect<wire::Task>(options_.patience + poll_));
      switch (task.kind) {
        case wire::TaskKind::kWait:
          forget_committed(task.round);
          break;
        case wire::TaskKind::kDone:
          forget();
          // The server waits for this, so that nobody looks for it in vain when it is gone.
          co_await say_goodbye("the run is complete");
          co_return Status();
        case wire::TaskKind::kInitialize:
          ATOLL_CO_TRY(co_await initialize(task));
          break;
        case wire::TaskKind::kWork:
          forget_committed(task.round - 1);
          ATOLL_CO_TRY(co_await work(task));
          break;
      }
    }
  }

  void forget_committed(uint32_t committed) {
    if (finished_ && finished_->offer.round <= committed) forget();
  }
  void forget() {
    finished_.reset();
    trainer_->release();
    if (!options_.keep_folder.empty()) KeptUpdate::remove(options_.keep_folder);
  }
  wire::Hello hello() const {
    return {options_.name, options_.train_examples, options_.test_examples,
            "atoll " + std::string(version())};
  }

  awaitable<Status> join() {
    prepare(hello());
    ATOLL_CO_TRY(co_await send());
    ATOLL_CO_ASSIGN(auto welcome, co_await expect<wire::Welcome>());
    if (trainer_ == nullptr) {
      ATOLL_CO_ASSIGN(auto made, factory_(welcome));
      trainer_ = keep_local(std::move(made), options_.local_folder,
                            welcome.run + " " + welcome.identity, options_.name);
    }
    prepare(wire::Join{trainer_->manifest()});
    ATOLL_CO_TRY(co_await send());
    ATOLL_CO_ASSIGN(auto joined, co_await expect<wire::Joined>());
    (void)joined;
    poll_ = std::chrono::milliseconds(welcome.poll_ms);
    options_.say("joined run " + welcome.run);
    co_return Status();
  }

  awaitable<Status> initialize(wire::Task task) {
    const auto key = key_of(hello(), task);
    if (!finished_ || finished_->key != key) {
      download_.reset();
      ATOLL_CO_TRY(trainer_->initialize(task.seed));
      wire::Offer offer{0, trainer_->manifest().total_bytes(), digest_of(*trainer_), {}};
      offer.report.examples = 1;
      finished_ = Finished{key, std::move(offer), std::nullopt};
    }
    co_return co_await offer();
  }

  awaitable<Status> work(wire::Task task) {
    // A round that was finished before the connection or this client broke is offered, not trained
    // again.
    const auto key = key_of(hello(), task);
    if (!finished_ && !options_.keep_folder.empty()) {
      auto kept = KeptUpdate::load(options_.keep_folder, key, trainer_->manifest());
      if (kept) {
        options_.say("round " + std::to_string(task.round) + " was finished before: offering it");
        auto offer = kept->offer();
        finished_ = Finished{key, std::move(offer), std::move(kept)};
      }
    }
    if (!finished_ || finished_->key != key) {
      finished_.reset();
      if (task.model_bytes != trainer_->manifest().total_bytes()) {
        co_return Error(ErrorCode::kModel, "the server's model has " +
                                               std::to_string(task.model_bytes) +
                                               " bytes, this client's " +
                                               std::to_string(trainer_->manifest().total_bytes()));
      }
      ATOLL_CO_TRY(co_await fetch(task));
      ATOLL_CO_TRY(fault::point("client.train"));
      ATOLL_CO_ASSIGN(const bool complete, co_await train(task, key));
      if (!complete) co_return Status();
    }
    co_return co_await offer();
  }

  awaitable<Status> fetch(wire::Task task) {
    const uint64_t transfer = next_transfer_++;
    if (!download_ || download_->round != task.round || download_->model != task.model_digest)
      download_.emplace(Download{task.round, task.model_digest, 0, {}});
    // Not remembered while it is complete: the trainer changes it.
    auto& [round, model, offset, hash] = *download_;
    prepare(wire::Fetch{task.round, transfer, offset});
    ATOLL_CO_TRY(co_await send());
    while (offset < task.model_bytes) {
      ATOLL_CO_ASSIGN(auto kind, co_await session_->receive(buffer_, options_.patience));
      if (kind == wire::FrameKind::kControl) {
        ATOLL_CO_ASSIGN(auto message, wire::decode(buffer_));
        if (auto* refused = std::get_if<wire::Refused>(&message)) co_return refusal(*refused);
        co_return Error(ErrorCode::kProtocol, "a message in the middle of a model");
      }
      ByteView data;
      ATOLL_CO_ASSIGN(auto header, wire::decode_chunk(buffer_, data));
      if (header.transfer != transfer || header.offset != offset || data.empty() ||
          data.size() > task.model_bytes - offset) {
        co_return Error(ErrorCode::kProtocol, "a chunk of the model is out of place");
      }
      ATOLL_CO_TRY(fault::point("client.fetch"));
      // Here, not on the pool: the bytes are still in the cache, and the hash is cheap.
      hash.update(data);
      ATOLL_CO_TRY(trainer_->receive(offset, data));
      offset += data.size();
    }
    const bool right = hash.finish() == task.model_digest;
    download_.reset();
    if (!right) co_return Error(ErrorCode::kProtocol, "the model received does not have its hash");
    co_return Status();
  }

  // False when the round closed meanwhile. Heartbeats keep the connection and tell how far the
  // training is.
  awaitable<Result<bool>> train(wire::Task task, Digest key) {
    auto executor = co_await asio::this_coro::executor;
    auto training = std::make_shared<Training>(executor);
    Task local{task.round, task.total_rounds, task.seed, task.train, task.evaluate, task.settings};
    options_.say("round " + std::to_string(task.round) +
                 (task.train ? ": training" : ": evaluating"));
    asio::co_spawn(executor, train_on(compute_, *trainer_, local, training), asio::detached);
    auto connection = Status();
    while (training->result == nullptr) {
      const bool over = co_await training->over.wait_for(options_.heartbeat);
      if (over || training->result != nullptr || !connection) continue;
      // The trainer may not be left while it runs, so a broken connection is remembered and the
      // work goes on.
      auto open = co_await beat(task.round, training->progress);
      if (!open)
        connection = std::move(open).error();
      else if (!*open)
        training->progress.cancel = true;
    }
    if (!*training->result) {
      if (training->result->error().code() == ErrorCode::kInterrupted && connection) {
        options_.say("round " + std::to_string(task.round) + " closed without this client");
        co_return false;
      }
      if (training->result->error().code() != ErrorCode::kInterrupted)
        co_return std::move(*training->result).error();
      co_return std::move(connection).error();
    }
    wire::Offer offer{task.round, 0, {}, std::move(*training->result).value()};
    finished_ = Finished{key, std::move(offer), std::nullopt};
    if (task.train) co_await keep();
    ATOLL_CO_TRY(connection);
    co_return true;
  }

  // Hashes the update, and puts it on the disk where there is a place for it.
  awaitable<void> keep() {
    auto work = [this]() -> Status {
      finished_->offer.update_bytes = trainer_->manifest().total_bytes();
      finished_->offer.update_digest = digest_of(*trainer_);
      if (options_.keep_folder.empty()) return {};
      auto kept =
          KeptUpdate::save(options_.keep_folder, finished_->key, finished_->offer, *trainer_);
      if (!kept) return std::move(kept).error();
      finished_->file.emplace(std::move(*kept));
      return {};
    };
    auto done = co_await net::offload(aside_, work);
    if (done) {
      if (finished_->file) trainer_->release();
      co_return;
    }
    options_.say("the update is kept in memory only: " + done.error().message());
  }

  awaitable<Result<bool>> beat(uint32_t round, const Progress& progress) {
    prepare(wire::Ping{round, progress.steps_done, progress.steps_total});
    ATOLL_CO_TRY(co_await send());
    ATOLL_CO_ASSIGN(auto pong, co_await expect<wire::Pong>());
    co_return pong.round_open;
  }

  awaitable<Status> offer() {
    const uint64_t total = finished_->offer.update_bytes;
    prepare(finished_->offer);
    ATOLL_CO_TRY(co_await send());
    ATOLL_CO_ASSIGN(auto kind, co_await session_->receive(buffer_, options_.patience));
    if (kind != wire::FrameKind::kControl)
      co_return Error(ErrorCode::kProtocol, "a chunk where a message belongs");
    ATOLL_CO_ASSIGN(auto message, wire::decode(buffer_));
    if (auto* grant = std::get_if<wire::Grant>(&message)) {
      if (grant->offset > total)
        co_return Error(ErrorCode::kProtocol, "the server asks for bytes beyond the update");
      ATOLL_CO_TRY(co_await upload(*grant, total));
      ATOLL_CO_ASSIGN(message, co_await expect<wire::Outcome>());
    }
    if (auto* refused = std::get_if<wire::Refused>(&message)) co_return refusal(*refused);
    auto* outcome = std::get_if<wire::Outcome>(&message);
    if (outcome == nullptr) co_return Error(ErrorCode::kProtocol, "unexpected answer to an offer");
    ATOLL_CO_TRY(fault::point("client.outcome"));
    if (!outcome->accepted) {
      options_.say("round " + std::to_string(finished_->offer.round) +
                   ": update not taken: " + outcome->text);
    }
    // A server that dies before its commit asks for the round again: then the update is at hand.
    const bool keeps = options_.keep_until_committed || finished_->file;
    if (!outcome->accepted || !keeps) forget();
    co_return Status();
  }

  awaitable<Status> upload(wire::Grant grant, uint64_t total) {
    Bytes piece;
    for (uint64_t offset = grant.offset; offset < total; offset += piece.size()) {
      piece.resize(std::min<uint64_t>(wire::kChunkSize, total - offset));
      ATOLL_CO_TRY(fault::point("client.upload"));
      ATOLL_CO_TRY(finished_->file ? finished_->file->read(offset, piece)
                                   : trainer_->read(offset, piece));
      const auto head = wire::encode(wire::ChunkHeader{grant.transfer, offset});
      ATOLL_CO_TRY(co_await session_->send(wire::FrameKind::kChunk, head, piece));
    }
    co_return Status();
  }

  net::Connector& connector_;
  TrainerFactory factory_;
  asio::any_io_executor compute_;
  LoopOptions options_;
  asio::any_io_executor aside_;
  std::unique_ptr<net::Session> session_;
  std::unique_ptr<Trainer> trainer_;
  std::optional<Finished> finished_;
  std::optional<Download> download_;
  net::Duration poll_{0};
  Bytes buffer_, request_;
  uint64_t next_transfer_ = 1;
  bool busy_ = false;
};

}  // namespace

awaitable<Status> run_federation(net::Connector& connector, TrainerFactory factory,
                                 asio::any_io_executor compute, LoopOptions options) {
  Loop loop(connector, std::move(factory), std::move(compute), std::move(options));
  co_return co_await loop.run();
}

}  // namespace atl::client
