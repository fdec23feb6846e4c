#include "experiments/bench/wire_bench.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include "client/federation_loop.h"
#include "common/net/tls_transport.h"
#include "experiments/bench/bare_tls.h"
#include "experiments/bench/generated_trainer.h"
#include "experiments/bench/observed_session.h"
#include "experiments/bench/tcp_bytes.h"
#include "server/server.h"

namespace atl::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string model = "256MB", scratch;
  unsigned repeats = 7;
};

// One repeat: seconds of each way and side, and the connection's bytes when the model had arrived.
struct Cost {
  double seconds = 0;
  double cpu = 0;  // seconds of all the process's threads: both ends together
};
struct Turn {
  Cost atoll_down, atoll_up, bare_down, bare_up;
  TcpBytes bytes;
};

class Meter {
 public:
  Meter() : begun_(Clock::now()), cpu_(cpu_now()) {}
  Cost read() const {
    return {std::chrono::duration<double>(Clock::now() - begun_).count(), cpu_now() - cpu_};
  }

 private:
  static double cpu_now() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  Clock::time_point begun_;
  double cpu_;
};

// Takes the times of one client's transfers. The observer runs on the client's thread, run() on its
// pool; the loop waits for run(), so the lock is never contended.
class Stopwatch {
 public:
  Stopwatch(BareTls& bare, uint64_t model_bytes) : bare_(bare), model_bytes_(model_bytes) {}
  void set_port(uint16_t port) { port_ = port; }

  Observer observer() {
    Observer observer;
    observer.sent = [this](const wire::Message& message) {
      const std::lock_guard lock(mutex_);
      if (std::holds_alternative<wire::Fetch>(message)) fetched_ = Meter();
      if (std::holds_alternative<wire::Offer>(message)) offered_ = Meter();
    };
    observer.received = [this](const wire::Message& message) {
      const std::lock_guard lock(mutex_);
      if (std::holds_alternative<wire::Outcome>(message) && !turns_.empty())
        turns_.back().atoll_up = offered_.read();
    };
    return observer;
  }

  // The model has arrived and its hash was right; nothing is under way. The bare loop's turn.
  Status on_run() {
    const std::lock_guard lock(mutex_);
    Turn turn;
    turn.atoll_down = fetched_.read();
    turn.bytes = tcp_bytes_to_port(port_);
    Meter bare_down;
    ATOLL_TRY(bare_.server_to_client(model_bytes_));
    turn.bare_down = bare_down.read();
    Meter bare_up;
    ATOLL_TRY(bare_.client_to_server(model_bytes_));
    turn.bare_up = bare_up.read();
    turns_.push_back(turn);
    return {};
  }
  const std::vector<Turn>& turns() const { return turns_; }

 private:
  BareTls& bare_;
  uint64_t model_bytes_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  Meter fetched_, offered_;
  std::vector<Turn> turns_;
};

asio::awaitable<void> finish(asio::awaitable<Status> what, Status& outcome, asio::io_context& io) {
  outcome = co_await std::move(what);
  io.stop();
}

server::RunConfig config_of(uint32_t rounds) {
  server::RunConfig config;
  config.name = "wire";
  config.rounds = rounds;
  config.progress = std::chrono::minutes(10);
  return config;
}

// The federation of one client: the server on one thread, the client on another, a pool of one
// thread each as in their programs.
Status run_one_client_federation(const std::string& folder, const Identities& files,
                                 const Manifest& manifest, uint32_t rounds, Stopwatch& watch) {
  asio::io_context server_io(1), client_io(1);
  asio::thread_pool server_pool(1), client_pool(1);
  server::Server server(server_io.get_executor(), server_pool.get_executor(), config_of(rounds));
  ATOLL_TRY(server.open(folder + "/run"));
  net::TlsServer tls_server{files.authority, files.server_certificate, files.server_key};
  ATOLL_ASSIGN(auto listener, net::listen_tls(server_io.get_executor(), "127.0.0.1:0", tls_server));
  const auto address = listener->address();
  ATOLL_ASSIGN(const auto parts, net::parse_address(address));
  watch.set_port(static_cast<uint16_t>(std::stoi(parts.port)));

  net::TlsClient tls_client{files.authority, files.client_certificate, files.client_key};
  ATOLL_ASSIGN(auto plain, net::make_tls_connector(client_io.get_executor(), address, tls_client));
  // Recorded, as in their programs.
  server.context().flight.open({.folder = folder + "/flight", .program = "server"});
  flight::Recorder recorder;
  recorder.open({.folder = folder + "/client-flight", .program = "client"});
  auto connector = recorder.record(observe(std::move(plain), watch.observer()));
  client::LoopOptions options;
  options.name = "client";
  options.train_examples = 1;
  options.once = true;
  auto factory = [&](const wire::Welcome&) -> Result<std::unique_ptr<client::Trainer>> {
    return std::unique_ptr<client::Trainer>(std::make_unique<GeneratedTrainer>(
        manifest, 0, [&watch](const client::Task&) { return watch.on_run(); }));
  };

  Status served, trained;
  asio::co_spawn(server_io, finish(server.run(listener), served, server_io), asio::detached);
  asio::co_spawn(
      client_io,
      finish(client::run_federation(*connector, factory, client_pool.get_executor(), options),
             trained, client_io),
      asio::detached);
  std::thread client_thread([&] {
    client_io.run();
    if (!trained) asio::post(server_io, [&server] { server.stop(); });
  });
  server_io.run();
  client_thread.join();
  server_pool.join();
  client_pool.join();
  ATOLL_TRY(trained);
  return served;
}

Report report_of(const std::vector<Turn>& turns, uint64_t bytes, const std::string& cipher,
                 bool short_form) {
  struct Way {
    Sample atoll, bare, ratio, atoll_cpu, bare_cpu;
    void add(const Cost& ours, const Cost& theirs, double gb) {
      atoll.add(gb / ours.seconds);
      bare.add(gb / theirs.seconds);
      ratio.add(theirs.seconds / ours.seconds);
      atoll_cpu.add(ours.cpu / gb);
      bare_cpu.add(theirs.cpu / gb);
    }
  } down, up;
  const double gb = static_cast<double>(bytes) / 1e9;
  // The first turn warms both sides up. Every turn's bytes are those that passed since the last.
  for (size_t i = 1; i < turns.size(); ++i) {
    down.add(turns[i].atoll_down, turns[i].bare_down, gb);
    up.add(turns[i].atoll_up, turns[i].bare_up, gb);
  }
  const double models = static_cast<double>(turns.size() - 1) * static_cast<double>(bytes);
  const auto& first = turns.front().bytes;
  const auto& last = turns.back().bytes;
  Report report("wire");
  report.figure("model_mb", static_cast<double>(bytes) / (1 << 20), "MB");
  for (const auto& [name, way] : {std::pair("down", &down), std::pair("up", &up)}) {
    const std::string suffix = std::string("_") + name;
    report.figure("atoll" + suffix, way->atoll, "GB/s");
    report.figure("bare" + suffix, way->bare, "GB/s");
    report.figure("atoll_over_bare" + suffix, way->ratio, "");
    report.figure("atoll_cpu" + suffix, way->atoll_cpu, "s/GB");
    report.figure("bare_cpu" + suffix, way->bare_cpu, "s/GB");
  }
  const auto timing = short_form ? Enforce::kShownOnly : Enforce::kHard;
  report.at_least("tls_over_bare_down", down.ratio.median(), 0.70, timing);
  report.at_least("tls_over_bare_up", up.ratio.median(), 0.70, timing);
  report.at_least("tls_over_bare", std::min(down.ratio.median(), up.ratio.median()), 0.70, timing);
  report.at_most("wire_over_model_down",
                 static_cast<double>(last.received - first.received) / models, 1.01,
                 Enforce::kHard);
  report.at_most("wire_over_model_up", static_cast<double>(last.sent - first.sent) / models, 1.01,
                 Enforce::kHard);
  report.note(
      "down: from the client's fetch to the model whole and its hash checked; up: from the "
      "offer to the server's word that the update is whole, checked and spooled.");
  report.note("both sides: TLS 1.3, " + cipher +
              ", certificates on both ends, loopback, one thread each per end; medians of turns "
              "taken in alternation. GB/s are of 10^9 bytes of the model.");
  return report;
}

Result<Report> run_wire(const Options& options, const Settings& settings) {
  ATOLL_ASSIGN(const uint64_t asked, parse_size(settings.short_form ? "16MB" : options.model));
  const uint64_t bytes = asked / 64 * 64;
  const unsigned repeats = settings.short_form ? 3 : options.repeats;
  ATOLL_ASSIGN(const auto manifest, generated_manifest(bytes, 16, false));
  // Two checkpoints kept, one being written, one update.
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 5 * bytes + (64u << 20)));
  ATOLL_ASSIGN(const auto files, make_identities(scratch.path()));
  ATOLL_ASSIGN(auto bare, BareTls::connect(files));
  Stopwatch watch(*bare, bytes);
  ATOLL_TRY(run_one_client_federation(scratch.path(), files, manifest, repeats + 1, watch));
  if (watch.turns().size() != repeats + 1)
    return Error(ErrorCode::kInternal, "the federation took another number of rounds");
  for (const auto& turn : watch.turns()) {
    if (turn.bytes.connections != 1)
      return Error(ErrorCode::kNetwork, "the kernel does not tell the bytes of the connection");
  }
  return report_of(watch.turns(), bytes, bare->cipher(), settings.short_form);
}

}  // namespace

Benchmark wire_benchmark() {
  Benchmark row;
  row.name = "wire";
  row.help = "a model to and from a client over TLS, against a bare Asio and OpenSSL loop";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--model", options->model, "size of the model (8MB, 256MB, 3GB)")
        ->capture_default_str();
    app.add_option("--repeats", options->repeats, "turns of each side")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--scratch", options->scratch, "folder for the spool and the checkpoints");
    return [options](const Settings& settings) { return run_wire(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
