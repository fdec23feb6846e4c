#include "experiments/bench/hostile/honest.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <cmath>
#include <cstring>

#include "client/federation_loop.h"
#include "common/net/tls_transport.h"
#include "experiments/bench/generated_trainer.h"
#include "experiments/bench/scripted_clients.h"

namespace atl::bench {
namespace {

class HonestTrainer : public client::Trainer {
 public:
  HonestTrainer(uint64_t client, HonestRun& shared)
      : manifest_(honest_manifest()),
        client_(client),
        shared_(shared),
        values_(manifest_.total_elements()) {}

  const Manifest& manifest() const override { return manifest_; }
  uint64_t train_examples() const override { return 1 + client_; }
  uint64_t test_examples() const override { return 0; }
  Status initialize(uint64_t seed) override {
    for (size_t i = 0; i < values_.size(); ++i) values_[i] = std::fabs(generated_value(seed, i));
    return {};
  }
  Status receive(uint64_t offset, ByteView bytes) override {
    std::memcpy(reinterpret_cast<std::byte*>(values_.data()) + offset, bytes.data(), bytes.size());
    return {};
  }
  Result<client::TrainReport> run(const client::Task& task, client::Progress&) override {
    if (client_ == 0) shared_.note(task.round);
    std::this_thread::sleep_for(std::chrono::milliseconds(shared_.training_ms));
    while (task.round >= shared_.hold_at) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // Half of what it was, half of something new, and never negative.
    for (size_t i = 0; i < values_.size(); ++i)
      values_[i] = 0.5f * values_[i] + 0.5f * std::fabs(generated_value(client_ + task.round, i));
    client::TrainReport report;
    report.examples = train_examples();
    report.steps = 1;
    return report;
  }
  Status read(uint64_t offset, MutableByteView out) const override {
    std::memcpy(out.data(), reinterpret_cast<const std::byte*>(values_.data()) + offset,
                out.size());
    return {};
  }

 private:
  Manifest manifest_;
  uint64_t client_;
  HonestRun& shared_;
  std::vector<float> values_;
};

}  // namespace

Manifest honest_manifest() {
  std::vector<TensorSpec> tensors(3);
  tensors[0].name = "body.weight";
  tensors[0].shape = {256, 256};
  tensors[0].role = Role::kLinearWeight;
  tensors[1].name = "norm.running_mean";
  tensors[1].shape = {128};
  tensors[1].role = Role::kNormMean;
  tensors[2].name = "norm.running_var";
  tensors[2].shape = {128};
  tensors[2].role = Role::kNormVar;
  return Manifest::make(std::move(tensors)).value();
}

Status run_honest(const std::string& server_folder, const std::string& address, size_t clients,
                  HonestRun& shared) {
  asio::io_context io(1);
  asio::thread_pool training(clients), hashing(1);
  Status outcome;
  std::vector<std::unique_ptr<net::Connector>> connectors;
  for (size_t k = 0; k < clients; ++k) {
    client::LoopOptions options;
    options.name = client_name(k);
    options.train_examples = 1 + k;
    options.once = true;
    options.aside = hashing.get_executor();
    const auto folder = client_folder(server_folder, k);
    net::TlsClient tls{folder.authority(), folder.certificate(), folder.key()};
    ATOLL_ASSIGN(auto connector, net::make_tls_connector(io.get_executor(), address, tls));
    connectors.push_back(std::move(connector));
    auto factory = [k, &shared](const wire::Welcome&) {
      return Result<std::unique_ptr<client::Trainer>>(std::make_unique<HonestTrainer>(k, shared));
    };
    asio::co_spawn(io,
                   keep_first_error(client::run_federation(*connectors.back(), factory,
                                                           training.get_executor(), options),
                                    outcome, io),
                   asio::detached);
  }
  io.run();
  training.join();
  hashing.join();
  return outcome;
}

}  // namespace atl::bench
