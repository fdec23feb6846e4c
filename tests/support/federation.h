// A whole federation in one process, with scripted trainers: the real server and the real client
// loop over the in-memory transport.
#pragma once

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <map>

#include "client/federation_loop.h"
#include "common/core/file.h"
#include "common/net/memory_transport.h"
#include "server/server.h"
#include "tests/support/scripted_trainer.h"
#include "tests/support/temporary_folder.h"

namespace atl::testing {

inline Manifest small_manifest() {
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
  Manifest manifest = small_manifest();
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

  // `adjust` changes the client's options before it starts.
  void add(
      ClientPlan plan,
      const std::function<void(client::LoopOptions&)>& adjust = [](client::LoopOptions&) {}) {
    connectors_.push_back(network_.make_connector(plan.name));
    client::LoopOptions options;
    options.name = plan.name;
    options.train_examples = plan.train;
    options.test_examples = plan.test;
    options.heartbeat = std::chrono::milliseconds(20);
    options.retry_least = options.retry_most = std::chrono::milliseconds(5);
    adjust(options);
    auto factory = [plan](const wire::Welcome&) -> Result<std::unique_ptr<client::Trainer>> {
      return std::unique_ptr<client::Trainer>(
          std::make_unique<ScriptedTrainer>(plan.manifest, plan.train, plan.test, plan.step));
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
    std::vector<float> values(server_.context().store->model()->manifest().total_elements());
    auto read =
        server_.context().store->model()->read_flat(0, std::as_writable_bytes(std::span(values)));
    EXPECT_TRUE(read.ok());
    return values;
  }
  std::string metrics() { return read_text(folder_.path() + "/metrics.jsonl").value(); }
  std::string digest() { return hex(server_.context().store->model_digest()); }
  server::Server& server() { return server_; }
  net::MemoryNetwork& network() { return network_; }
  asio::io_context& io() { return io_; }
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
inline ScriptedTrainer::Step add_amount(float amount, uint64_t examples) {
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

inline server::RunConfig config_of(uint32_t rounds, uint32_t clients) {
  server::RunConfig config;
  config.rounds = rounds;
  config.min_clients = clients;
  config.poll = std::chrono::milliseconds(200);
  config.progress = std::chrono::milliseconds(2000);
  return config;
}

}  // namespace atl::testing
