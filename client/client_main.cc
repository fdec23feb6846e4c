// enroll, run, models.
#include "client/client_main.h"

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/thread_pool.hpp>
#include <filesystem>
#include <iostream>
#include <numeric>

#include "client/client_config.h"
#include "client/data/indices.h"
#include "client/enroll.h"
#include "client/federation_loop.h"
#include "client/renew.h"
#include "client/torch_guards.h"
#include "client/torch_trainer.h"
#include "common/cli/describe.h"
#include "common/cli/log_options.h"
#include "common/core/log.h"
#include "common/core/supervisor.h"
#include "common/core/version.h"
#include "common/flight/signals.h"
#include "common/net/tls_transport.h"
#include "models/registry.h"

namespace atl::client {
namespace {

struct Options {
  ClientFolder folder;
  std::string server, token;
  bool insecure = false;
};

// Runs a coroutine to its end; SIGINT and SIGTERM end it with kInterrupted.
asio::awaitable<void> store(asio::awaitable<Status> work, Status& outcome, asio::io_context& io) {
  outcome = co_await std::move(work);
  io.stop();
}

Status drive(asio::io_context& io, asio::awaitable<Status> work) {
  Status outcome;
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const asio::error_code& error, int) {
    if (error) return;
    outcome = Error(ErrorCode::kInterrupted, "stopped; the server goes on without this client");
    io.stop();
  });
  asio::co_spawn(io, store(std::move(work), outcome, io), asio::detached);
  io.run();
  return outcome;
}

Status enroll_command(const Options& options) {
  asio::io_context io(1);
  ATOLL_TRY(drive(io, enroll(options.folder, options.server, options.token)));
  std::cout << "enrolled; the key stays in " << options.folder.path << "/identity\n"
            << "next: say in " << options.folder.config() << " what to train on, then\n"
            << "      atoll-client run " << options.folder.path << "\n";
  return {};
}

// The share that a file lists; without one, everything.
Result<data::Indices> read_share(const std::string& path, size_t examples) {
  if (!path.empty()) return data::read_indices(path, examples);
  data::Indices all(examples);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

Result<TorchTrainerOptions> load_data(const ClientConfig& config) {
  TorchTrainerOptions trainer;
  ATOLL_ASSIGN(auto splits, data::open_data(config.data));
  trainer.client = config.name;
  trainer.train = splits.train;
  trainer.test = splits.test;
  ATOLL_ASSIGN(trainer.train_indices, read_share(config.train_indices, splits.train->size()));
  ATOLL_ASSIGN(trainer.test_indices, read_share(config.test_indices, splits.test->size()));
  trainer.script = config.script;
  trainer.device = config.device;
  trainer.augment = config.augment;
  trainer.threads = static_cast<int>(config.threads);
  trainer.evaluate_after = config.evaluate_after;
  return trainer;
}

Status run_command(const Options& options) {
  ATOLL_ASSIGN(const auto config, load_client_config(options.folder.config()));
  // Told now, and not once there is a server to train for.
  ATOLL_TRY(parse_device(config.device));
  asio::io_context io(1);
  std::unique_ptr<net::Connector> connector;
  if (options.insecure) {
    ATOLL_ASSIGN(connector, net::make_plain_connector(io.get_executor(), config.server));
    log::warn("client", "--insecure: no encryption, and nobody is who they say");
  } else {
    const auto say = [](const std::string& text) { log::info("client", text); };
    connector = make_renewing_connector(io.get_executor(), options.folder, config.server, say);
    asio::co_spawn(io, keep_renewing(options.folder, config.server, say), asio::detached);
  }
  flight::Recorder recorder;
  recorder.open(
      {.folder = options.folder.flight(), .program = "atoll-client " + std::string(version())});
  const flight::SignalWatch dumps(io.get_executor(), recorder);
  connector = recorder.record(std::move(connector));
  ATOLL_ASSIGN(auto trainer, load_data(config));
  LoopOptions loop;
  loop.name = config.name;
  loop.train_examples = trainer.train_indices.size();
  loop.test_examples = trainer.test_indices.size();
  loop.keep_folder = options.folder.kept();
  loop.local_folder = options.folder.local();
  loop.say = [](const std::string& text) {
    log::info("client", text);
    tell_supervisor("STATUS=" + text.substr(0, text.find('\n')));  // a server may have a say in it
  };
  log::info("client", config.name + ": " + std::to_string(loop.train_examples) + " training and " +
                          std::to_string(loop.test_examples) + " test examples; server " +
                          config.server);
  auto factory = [&trainer](const wire::Welcome& run) {
    return make_torch_trainer(run.model, trainer);
  };
  tell_supervisor("READY=1");
  asio::thread_pool compute(1);
  auto outcome =
      drive(io, run_federation(*connector, factory, compute.get_executor(), std::move(loop)));
  // On an interrupt the training step under way is not waited for: nothing of it would be kept.
  if (!outcome && outcome.error().code() == ErrorCode::kInterrupted) {
    std::cerr << outcome.error().explain();
    std::_Exit(outcome.error().exit_status());
  }
  compute.join();
  if (outcome) log::info("client", "the run is complete");
  return outcome;
}

// What [model] name and norm of a run may be, registered ones with them.
Status models_command() {
  std::cout << "models:";
  for (const auto& name : models::model_names()) std::cout << " " << name;
  std::cout << "\nnorms:";
  for (const auto& name : models::norm_names()) std::cout << " " << name;
  std::cout << "\n";
  return {};
}

}  // namespace

int client_main(int argc, char** argv) {
  CLI::App app("Atoll's client: trains on data that stay here; only updates travel.",
               std::filesystem::path(argv[0]).filename().string());
  const cli::DescribeVerb describe(app);
  app.require_subcommand(1);
  app.set_version_flag("--version", "atoll-client " + std::string(version()));
  Options options;
  cli::add_log_options(app);
  auto* enroll_verb = app.add_subcommand("enroll", "get a certificate with a one-time token");
  enroll_verb->add_option("folder", options.folder.path, "made for this client")->required();
  enroll_verb->add_option("--server", options.server, "host:port")->required();
  enroll_verb->add_option("--token", options.token, "from `atoll-server token`")->required();
  auto* run_verb = app.add_subcommand("run", "take part until the run is complete");
  run_verb->footer(flight::kHelp);
  run_verb->add_option("folder", options.folder.path)->required();
  run_verb->add_flag("--insecure", options.insecure, "no TLS; loopback only");
  auto* models_verb = app.add_subcommand("models", "the models and norms that this program knows");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ErrorCode::kUsage);
  }
  if (describe.print()) return 0;
  auto done = models::registrations();
  if (done) {
    done = enroll_verb->parsed()   ? enroll_command(options)
           : models_verb->parsed() ? models_command()
                                   : run_command(options);
  }
  if (done) return 0;
  std::cerr << done.error().explain();
  return done.error().exit_status();
}

}  // namespace atl::client
