// The real server and the real client loop over the in-memory transport, with scripted trainers:
// the path of a round.
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <cmath>
#include <filesystem>

#include "client/federation_loop.h"
#include "common/core/file.h"
#include "common/net/memory_transport.h"
#include "server/server.h"
#include "tests/support/scripted_trainer.h"
#include "tests/support/temporary_folder.h"

namespace atl {
namespace {

using testing::ScriptedTrainer;
using testing::TemporaryFolder;

Manifest small_manifest() {
  std::vector<TensorSpec> tensors(2);
  tensors[0].name = "fc.weight";
  tensors[0].shape = {4, 3};
  tensors[0].role = Role::kLinearWeight;
  tensors[1].name = "fc.bias";
  tensors[1].shape = {4};
  tensors[1].role = Role::kBias;
  return Manifest::make(std::move(tensors)).value();
}

struct ClientPlan {
  std::string name;
  uint64_t train = 10, test = 0;
  ScriptedTrainer::Step step;
};

// One process, one thread for the io; clients are coroutines on it.
class Federation {
 public:
  explicit Federation(server::RunConfig config)
      : pool_(2),
        server_(io_.get_executor(), pool_.get_executor(), config),
        network_(io_.get_executor()) {
    EXPECT_TRUE(server_.open(folder_.path()).ok());
  }

  void add(ClientPlan plan) {
    connectors_.push_back(network_.make_connector(plan.name));
    client::LoopOptions options;
    options.name = plan.name;
    options.train_examples = plan.train;
    options.test_examples = plan.test;
    options.heartbeat = std::chrono::milliseconds(20);
    options.retry_least = options.retry_most = std::chrono::milliseconds(5);
    auto factory = [plan](const wire::Welcome&) -> Result<std::unique_ptr<client::Trainer>> {
      return std::unique_ptr<client::Trainer>(
          std::make_unique<ScriptedTrainer>(small_manifest(), plan.train, plan.test, plan.step));
    };
    asio::co_spawn(
        io_,
        drive(client::run_federation(*connectors_.back(), factory, pool_.get_executor(), options),
              plan.name),
        asio::detached);
  }

  Status run() {
    Status outcome;
    asio::co_spawn(io_, finish(server_.run(network_.make_listener()), outcome), asio::detached);
    io_.run();
    pool_.join();
    return outcome;
  }

  std::vector<float> model() {
    std::vector<float> values(small_manifest().total_elements());
    auto read =
        server_.context().store->model()->read_flat(0, std::as_writable_bytes(std::span(values)));
    EXPECT_TRUE(read.ok());
    return values;
  }
  std::string metrics() { return read_text(folder_.path() + "/metrics.jsonl").value(); }
  std::string digest() { return hex(server_.context().store->model_digest()); }
  server::Server& server() { return server_; }
  net::MemoryNetwork& network() { return network_; }
  std::map<std::string, Status>& ended() { return ended_; }

 private:
  asio::awaitable<void> drive(asio::awaitable<Status> loop, std::string name) {
    ended_[name] = co_await std::move(loop);
  }
  asio::awaitable<void> finish(asio::awaitable<Status> run, Status& outcome) {
    outcome = co_await std::move(run);
    io_.stop();
  }

  TemporaryFolder folder_;
  asio::io_context io_{1};
  asio::thread_pool pool_;
  server::Server server_;
  net::MemoryNetwork network_;
  std::vector<std::unique_ptr<net::Connector>> connectors_;
  std::map<std::string, Status> ended_;
};

// Adds `amount` to every weight, with a claim of `examples`.
ScriptedTrainer::Step add_amount(float amount, uint64_t examples) {
  return [amount, examples](const client::Task& task,
                            std::span<float> model) -> Result<client::TrainReport> {
    client::TrainReport report;
    if (task.evaluate) report.before = {100, static_cast<uint64_t>(10 * task.round), 50.0};
    if (task.train) {
      for (auto& w : model) w += amount;
      report.examples = examples;
      report.steps = 1;
      report.train_loss = amount;
    }
    return report;
  };
}

server::RunConfig config_of(uint32_t rounds, uint32_t clients) {
  server::RunConfig config;
  config.rounds = rounds;
  config.min_clients = clients;
  config.poll = std::chrono::milliseconds(200);
  config.progress = std::chrono::milliseconds(2000);
  return config;
}

TEST(Federation, WeighsByExamples) {
  Federation f(config_of(3, 2));
  f.add({"a", 30, 0, add_amount(1, 30)});
  f.add({"b", 10, 0, add_amount(5, 10)});
  ASSERT_TRUE(f.run().ok());
  // Each round adds (30 * 1 + 10 * 5) / 40 = 2; weight i begins at seed + i = 1 + i.
  const auto model = f.model();
  for (size_t i = 0; i < model.size(); ++i)
    EXPECT_EQ(model[i], 1.0f + static_cast<float>(i) + 6.0f);
  EXPECT_TRUE(f.ended()["a"].ok());
  EXPECT_TRUE(f.ended()["b"].ok());
}

TEST(Federation, WeighsUniformlyWhenAsked) {
  auto config = config_of(1, 2);
  config.weights = "uniform";
  Federation f(config);
  f.add({"a", 30, 0, add_amount(1, 30)});
  f.add({"b", 10, 0, add_amount(5, 10)});
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.model()[0], 1.0f + 3.0f);
}

TEST(Federation, ArrivalOrderChangesNoBit) {
  std::string first;
  for (int turn = 0; turn < 4; ++turn) {
    Federation f(config_of(4, 5));
    for (int k = 0; k < 5; ++k) {
      const int who = turn % 2 == 0 ? k : 4 - k;
      f.add({"c" + std::to_string(who), 10, 0,
             add_amount(0.1f * static_cast<float>(who + 1), 7 + 3 * static_cast<uint64_t>(who))});
    }
    ASSERT_TRUE(f.run().ok());
    if (turn == 0) first = f.digest();
    EXPECT_EQ(f.digest(), first);
  }
}

TEST(Federation, EvaluatesEveryModelOnce) {
  Federation f(config_of(2, 1));
  f.add({"a", 10, 100, add_amount(1, 10)});
  f.add({"judge", 0, 100, add_amount(0, 0)});
  ASSERT_TRUE(f.run().ok());
  const auto metrics = f.metrics();
  for (const char* part :
       {"\"event\":\"evaluation\",\"round\":0", "\"event\":\"evaluation\",\"round\":1",
        "\"event\":\"evaluation\",\"round\":2"}) {
    EXPECT_NE(metrics.find(part), std::string::npos) << part << "\n" << metrics;
  }
}

TEST(Federation, ANonFiniteUpdateCostsItsSenderTheRoundAndNobodyElse) {
  auto config = config_of(2, 3);
  config.quorum = 2;
  Federation f(config);
  f.add({"a", 10, 0, add_amount(1, 10)});
  f.add({"b", 10, 0, add_amount(1, 10)});
  f.add({"evil", 10, 0,
         [](const client::Task&, std::span<float> model) -> Result<client::TrainReport> {
           model[3] = NAN;
           client::TrainReport report;
           report.examples = 10;
           return report;
         }});
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.model()[3], 1.0f + 3.0f + 2.0f);
  EXPECT_NE(f.metrics().find("\"client\":\"evil\",\"reason\":\"tensor fc.weight holds NaN"),
            std::string::npos)
      << f.metrics();
}

TEST(Federation, CohortsAreSampledFromTheSeed) {
  std::string first;
  for (int turn = 0; turn < 2; ++turn) {
    auto config = config_of(6, 6);
    config.cohort = 2;
    Federation f(config);
    for (int k = 0; k < 6; ++k)
      f.add({"c" + std::to_string(k), 10, 0, add_amount(static_cast<float>(k + 1), 10)});
    ASSERT_TRUE(f.run().ok());
    if (turn == 0) first = f.digest();
    EXPECT_EQ(f.digest(), first);
    const auto metrics = f.metrics();
    EXPECT_NE(metrics.find("\"clients\":2"), std::string::npos);
    EXPECT_EQ(metrics.find("\"clients\":6"), std::string::npos);
  }
}

}  // namespace
}  // namespace atl
