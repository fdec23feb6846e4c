#include "experiments/simulate/simulation.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>
#include <cmath>
#include <thread>

#include "client/federation_loop.h"
#include "client/torch_trainer.h"
#include "common/core/rng.h"
#include "common/net/memory_transport.h"
#include "experiments/report/report_verb.h"
#include "server/server.h"

namespace atl::workbench {
namespace {

class Simulation {
 public:
  Simulation(const Plan& plan, const Prepared& prepared, const SimulationOptions& options,
             uint32_t threads)
      : plan_(plan),
        prepared_(prepared),
        options_(options),
        pool_(threads),
        workspaces_(client::make_workspace_pool()),
        server_(io_.get_executor(), aside_.get_executor(), plan.run),
        network_(io_.get_executor()) {}

  Status run() {
    ATOLL_TRY(server_.open(options_.out));
    ATOLL_TRY(check_provenance(options_.out, prepared_.record));
    ATOLL_TRY(write_provenance(options_.out, prepared_.record));
    server_.context().watch = [this](const server::RunEvent& event) { heard(event); };
    // Clients that wait for a free thread make no progress, and none of them can be lost.
    server_.context().config.progress = std::chrono::hours(24 * 365);
    server_.context().config.round_limit = {};
    // Everyone joins before the first round, so that cohorts are drawn from all.
    auto order = shares_in_order();
    server_.context().min_members = order.size();
    auto listener = network_.make_listener();
    asio::co_spawn(io_, serve(listener), asio::detached);
    for (const auto* share : order) add_client(*share);

    asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const asio::error_code& error, int) {
      if (!error) server_.stop();
    });
    io_.run();
    pool_.join();
    aside_.join();
    if (unmeasured_) return *unmeasured_;
    if (!outcome_ && failure_) return *failure_;
    return outcome_;
  }
  const server::RunStore& store() { return *server_.context().store; }

 private:
  std::vector<const Share*> shares_in_order() const {
    std::vector<const Share*> order;
    for (const auto& share : prepared_.partition.shares) order.push_back(&share);
    if (options_.shuffle_arrival) {
      Rng rng(*options_.shuffle_arrival, "arrival");
      rng.shuffle(std::span(order));
    }
    return order;
  }

  void heard(const server::RunEvent& event) {
    options_.watch(event);
    using Kind = server::RunEvent::Kind;
    if (event.kind == Kind::kRoundClosed) look_at(event.round);
    // A round is opened again when too few updates came.
    if (event.kind == Kind::kRoundOpened && event.round == 1 && !seen_initial_) look_at(0);
  }

  void look_at(uint32_t round) {
    if (!options_.committed || unmeasured_) return;
    if (round == 0) seen_initial_ = true;
    auto looked = options_.committed(round, store().model_path());
    if (looked) return;
    unmeasured_ = std::move(looked).error();
    asio::post(io_, [this] { server_.stop(); });
  }

  void add_client(const Share& share) {
    connectors_.push_back(network_.make_connector(share.name));
    client::LoopOptions loop;
    loop.name = share.name;
    loop.train_examples = share.train.size();
    loop.test_examples = share.test.size();
    loop.local_folder = options_.out + "/local/" + share.name;
    loop.aside = aside_.get_executor();
    loop.keep_until_committed = false;  // the server dies with its clients or not at all
    asio::co_spawn(io_, drive(*connectors_.back(), share, std::move(loop)), asio::detached);
  }

  asio::awaitable<void> drive(net::Connector& connector, const Share& share,
                              client::LoopOptions loop) {
    const client::TrainerFactory factory =
        [this, &share](const wire::Welcome& run) -> Result<std::unique_ptr<client::Trainer>> {
      client::TorchTrainerOptions trainer;
      trainer.client = share.name;
      trainer.train = prepared_.splits.train;
      trainer.test = prepared_.splits.test;
      trainer.train_indices = share.train;
      trainer.test_indices = share.test;
      trainer.device = plan_.device;
      trainer.augment = plan_.augment;
      trainer.evaluate_after = plan_.evaluate_after;
      trainer.pool = workspaces_;
      trainer.script = plan_.script;
      auto made = client::make_torch_trainer(run.model, std::move(trainer));
      if (!made || !options_.around) return made;
      return options_.around(share, std::move(made).value());
    };
    auto ended = co_await client::run_federation(connector, factory, pool_.get_executor(), loop);
    // A simulated client can only fail for good: the run could never be what was asked for.
    if (!ended && !failure_) {
      failure_ = std::move(ended).error().wrap(share.name + " gave up");
      server_.stop();
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<net::Listener> listener) {
    outcome_ = co_await server_.run(std::move(listener));
    io_.stop();
  }

  const Plan& plan_;
  const Prepared& prepared_;
  const SimulationOptions& options_;
  asio::io_context io_{1};
  asio::thread_pool pool_;      // trains
  asio::thread_pool aside_{1};  // hashes and reduces, so that no transfer waits for a training
  std::shared_ptr<client::WorkspacePool> workspaces_;
  server::Server server_;
  net::MemoryNetwork network_;
  std::vector<std::unique_ptr<net::Connector>> connectors_;
  Status outcome_;
  std::optional<Error> failure_, unmeasured_;
  bool seen_initial_ = false;
};

}  // namespace

Result<RunOutcome> simulate(const Plan& plan, const Prepared& prepared,
                            const SimulationOptions& options) {
  uint32_t threads = options.threads != 0 ? options.threads : plan.threads;
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  RunOutcome outcome;
  outcome.accuracy = outcome.loss = std::nan("");
  auto watched = options;
  watched.watch = [&outcome, &options](const server::RunEvent& event) {
    if (event.kind == server::RunEvent::Kind::kEvaluated) {
      outcome.accuracy = event.accuracy;
      outcome.loss = event.loss;
    }
    options.watch(event);
  };
  const auto begun = std::chrono::steady_clock::now();
  Simulation simulation(plan, prepared, watched, threads);
  ATOLL_TRY(simulation.run());
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  outcome.rounds = simulation.store().round();
  outcome.model = simulation.store().model_path();
  outcome.model_sha256 = hex(simulation.store().model_digest());
  outcome.run = options.out;
  auto record = prepared.record;
  record.seconds = outcome.seconds;
  ATOLL_TRY(write_provenance(options.out, record));
  if (options.report) {
    ATOLL_ASSIGN(outcome.report, write_report(options.out));
  }
  return outcome;
}

}  // namespace atl::workbench
