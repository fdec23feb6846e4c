// The update that a client keeps on its disk, and the download that goes on where it was.
#include "client/kept_update.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/core/file.h"
#include "common/core/transfer_hash.h"
#include "tests/support/federation.h"

namespace atl {
namespace {

using client::KeptUpdate;
using testing::add_amount;

class KeptUpdateTest : public ::testing::Test {
 protected:
  KeptUpdateTest() : trainer_(testing::small_manifest(), 10, 0, add_amount(1, 10)) {
    EXPECT_TRUE(trainer_.initialize(7).ok());
    task_.kind = wire::TaskKind::kWork;
    task_.round = 3;
    task_.train = true;
    task_.settings.learning_rate = 0.1;
    offer_ = {3, trainer_.manifest().total_bytes(), sha256(as_bytes("x")), {}};
    offer_.report.examples = 10;
  }
  Digest key() const { return client::key_of(hello_, task_); }
  void save() { ASSERT_TRUE(KeptUpdate::save(folder_.path(), key(), offer_, trainer_).ok()); }
  std::optional<KeptUpdate> load() const {
    return KeptUpdate::load(folder_.path(), key(), trainer_.manifest());
  }
  std::string file() const { return folder_.path() + "/update.safetensors"; }

  testing::TemporaryFolder folder_;
  testing::ScriptedTrainer trainer_;
  wire::Hello hello_{"a", 10, 0, "test"};
  wire::Task task_;
  wire::Offer offer_;
};

TEST_F(KeptUpdateTest, ComesBackWithItsBytesAndItsReport) {
  save();
  auto kept = load();
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->offer(), offer_);
  Bytes found(trainer_.manifest().total_bytes()), wanted(found.size());
  ASSERT_TRUE(kept->read(0, found).ok());
  ASSERT_TRUE(trainer_.read(0, wanted).ok());
  EXPECT_EQ(found, wanted);
  KeptUpdate::remove(folder_.path());
  EXPECT_FALSE(load().has_value());
}

TEST_F(KeptUpdateTest, AnswersNoOtherTask) {
  save();
  auto other = task_;
  other.settings.learning_rate = 0.2;
  EXPECT_FALSE(
      KeptUpdate::load(folder_.path(), client::key_of(hello_, other), trainer_.manifest()));
  other = task_;
  other.model_digest[0] = std::byte{1};
  EXPECT_FALSE(
      KeptUpdate::load(folder_.path(), client::key_of(hello_, other), trainer_.manifest()));
  auto more = hello_;
  more.train_examples = 11;
  EXPECT_FALSE(KeptUpdate::load(folder_.path(), client::key_of(more, task_), trainer_.manifest()));
}

TEST_F(KeptUpdateTest, DamagedFilesCountAsNone) {
  save();
  auto text = read_text(file()).value();
  auto flipped = text;
  flipped.back() ^= 1;
  ASSERT_TRUE(write_atomic(file(), flipped).ok());
  EXPECT_FALSE(load().has_value());
  ASSERT_TRUE(write_atomic(file(), std::string_view(text).substr(0, text.size() / 2)).ok());
  EXPECT_FALSE(load().has_value());
  ASSERT_TRUE(write_atomic(file(), text).ok());
  EXPECT_TRUE(load().has_value());
}

// A client and a server that both end after the update was taken, before its round was committed:
// the next client, in the same folder, does not train.
TEST(KeptUpdateFederation, ARestartedClientOffersWhatItHad) {
  testing::TemporaryFolder kept;
  std::atomic<int> trained{0};
  std::atomic<bool> stopped{false};
  for (const bool first : {true, false}) {
    testing::Federation f(testing::config_of(1, 2));
    auto options = [&](client::LoopOptions& o) {
      o.keep_folder = kept.path();
      o.once = first;
    };
    f.add({"a", 10, 0,
           [&](const client::Task& task, std::span<float> model) {
             ++trained;
             return add_amount(1, 10)(task, model);
           }},
          options);
    // In the first life nobody else answers, so that the round stays open.
    f.add({"b", 10, 0, [&](const client::Task& task, std::span<float> model) {
             while (first && !stopped) std::this_thread::yield();
             return add_amount(1, 10)(task, model);
           }});
    if (first) {
      f.server().context().watch = [&f, &stopped](const server::RunEvent& event) {
        if (event.kind != server::RunEvent::Kind::kProgress || event.done != 1) return;
        stopped = true;
        f.server().stop();
      };
    }
    EXPECT_EQ(f.run().ok(), !first);
    if (!first) {
      EXPECT_EQ(f.model()[0], 2.0f);
    }
  }
  EXPECT_EQ(trained, 1);
  EXPECT_FALSE(exists(kept.path() + "/update.safetensors")) << "committed: nothing is left";
}

// A server of one connection after another, each said and cut by the test.
class ScriptedServer {
 public:
  ScriptedServer(net::MemoryNetwork& network, Bytes model)
      : listener_(network.make_listener()), model_(std::move(model)) {}

  asio::awaitable<void> run() {
    co_await connection(true);
    co_await connection(false);
  }
  std::vector<uint64_t> offsets;  // that the client asked for
  Digest offered{};

 private:
  template <typename M>
  asio::awaitable<M> expect(net::Session& session) {
    Bytes buffer;
    auto kind = co_await session.receive(buffer, std::chrono::seconds(10));
    EXPECT_TRUE(kind.ok());
    auto message = wire::decode(buffer);
    EXPECT_TRUE(message.ok() && std::holds_alternative<M>(*message));
    co_return std::get<M>(*message);
  }
  asio::awaitable<void> say(net::Session& session, wire::Message message) {
    const Bytes bytes = wire::encode(message);
    EXPECT_TRUE((co_await session.send(wire::FrameKind::kControl, bytes, {})).ok());
  }
  asio::awaitable<void> connection(bool cut) {
    auto accepted = co_await listener_->accept();
    auto session = std::move(accepted).value();
    (void)co_await expect<wire::Hello>(*session);
    wire::Message welcome = wire::Welcome{"run", 1, 1, {}, 100};
    co_await say(*session, welcome);
    (void)co_await expect<wire::Join>(*session);
    wire::Message joined = wire::Joined{};
    co_await say(*session, joined);
    (void)co_await expect<wire::NextTask>(*session);
    TransferHash hash;
    hash.update(model_);
    wire::Message task = wire::Task{.kind = wire::TaskKind::kWork,
                                    .round = 1,
                                    .total_rounds = 1,
                                    .train = true,
                                    .model_bytes = model_.size(),
                                    .model_digest = hash.finish()};
    co_await say(*session, task);
    const auto fetch = co_await expect<wire::Fetch>(*session);
    offsets.push_back(fetch.offset);
    const uint64_t end = cut ? 16 : model_.size();
    for (uint64_t at = fetch.offset; at < end; at += 8) {
      const auto head = wire::encode(wire::ChunkHeader{fetch.transfer, at});
      const auto piece = ByteView(model_).subspan(at, 8);
      EXPECT_TRUE((co_await session->send(wire::FrameKind::kChunk, head, piece)).ok());
    }
    if (cut) co_return;
    offered = (co_await expect<wire::Offer>(*session)).update_digest;
    wire::Message outcome = wire::Outcome{true, wire::Reason::kNone, ""};
    co_await say(*session, outcome);
    (void)co_await expect<wire::NextTask>(*session);
    wire::Message done = wire::Task{.kind = wire::TaskKind::kDone};
    co_await say(*session, done);
    (void)co_await expect<wire::Bye>(*session);
  }
  std::shared_ptr<net::Listener> listener_;
  Bytes model_;
};

asio::awaitable<void> keep(asio::awaitable<Status> what, Status& outcome) {
  outcome = co_await std::move(what);
}

TEST(Download, GoesOnWhereItWasWhenTheConnectionBroke) {
  asio::io_context io{1};
  asio::thread_pool pool(1);
  net::MemoryNetwork network(io.get_executor());
  const auto manifest = testing::small_manifest();
  Bytes model(manifest.total_bytes());
  for (size_t i = 0; i < model.size(); ++i) model[i] = static_cast<std::byte>(i % 64);
  ScriptedServer server(network, model);
  auto connector = network.make_connector("a");
  client::LoopOptions options;
  options.name = "a";
  options.train_examples = 10;
  options.retry_least = options.retry_most = std::chrono::milliseconds(5);
  // What it trains on is what it received; it sends it back unchanged.
  auto factory = [&](const wire::Welcome&) -> Result<std::unique_ptr<client::Trainer>> {
    auto same = [](const client::Task&, std::span<float>) -> Result<client::TrainReport> {
      client::TrainReport report;
      report.examples = 10;
      return report;
    };
    return std::unique_ptr<client::Trainer>(
        std::make_unique<testing::ScriptedTrainer>(manifest, 10, 0, same));
  };
  Status outcome;
  asio::co_spawn(io, server.run(), asio::detached);
  asio::co_spawn(
      io, keep(client::run_federation(*connector, factory, pool.get_executor(), options), outcome),
      asio::detached);
  io.run();
  pool.join();
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(server.offsets, (std::vector<uint64_t>{0, 16}));
  TransferHash hash;
  hash.update(model);
  EXPECT_EQ(server.offered, hash.finish());
}

}  // namespace
}  // namespace atl
