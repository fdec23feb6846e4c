#include "experiments/bench/server_bench.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/core/file.h"
#include "common/tensor/safetensors.h"
#include "experiments/bench/process.h"
#include "experiments/bench/scratch.h"
#include "experiments/bench/scripted_clients.h"

namespace atl::bench {
namespace {
namespace fs = std::filesystem;

constexpr double kMega = 1024.0 * 1024;

struct Options {
  std::string model = "256MB", server, scratch;
  std::vector<size_t> clients{4, 16, 64};
  size_t tensors = 64;
  uint32_t rounds = 3;
  bool no_large = false;
};

// One federation of scripted clients, as measured at the server.
struct Run {
  uint64_t model_bytes = 0, peak_rss = 0;
  double cpu = 0;  // of the rounds; without start-up and the initial model
  Sample round_seconds;
  TcpBytes wire;
  double down_models = 0, up_models = 0;  // how many times the model crossed
  bool mean_is_right = false;
};

// The peak is the kernel's own high-water mark, so looking now and then misses only what grows in
// the last moments, when the server does nothing but say goodbye.
class Sampler {
 public:
  explicit Sampler(const Process& process) : process_(process), thread_([this] { run(); }) {}
  ~Sampler() { finish(); }
  void finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void mark() {
    Usage usage;
    if (process_.usage(usage)) cpu_at_mark_ = usage.cpu;
  }
  uint64_t peak_rss() const { return last_.peak_rss; }
  double cpu_since_mark() const { return last_.cpu - cpu_at_mark_; }

 private:
  void run() {
    while (!stop_) {
      Usage usage;
      if (process_.usage(usage)) last_ = usage;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  const Process& process_;
  std::atomic<bool> stop_{false};
  Usage last_;  // of the thread until finish()
  double cpu_at_mark_ = 0;
  std::thread thread_;
};

std::string run_file(size_t clients, uint32_t rounds) {
  std::ostringstream toml;
  toml << "name = \"bench\"\nrounds = " << rounds << "\n[listen]\naddress = \"127.0.0.1:0\"\n"
       << "[selection]\nmin_clients = " << clients << "\n[timeouts]\nprogress_s = 600.0\n";
  return toml.str();
}

Status make_folder(const std::string& server, const std::string& folder, size_t clients,
                   uint32_t rounds) {
  ATOLL_TRY(output_of({server, "init", folder, "--listen", "127.0.0.1:0"}));
  return write_atomic(folder + "/server.toml", run_file(clients, rounds));
}

Result<Sample> round_seconds(const std::string& folder) {
  ATOLL_ASSIGN(const auto text, read_text(folder + "/run/metrics.jsonl"));
  Sample seconds;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("event", "") == "round")
      seconds.add(json.value("seconds", 0.0));
  }
  return seconds;
}

// Compares a thousand places of the last model with the mean of what the clients sent. float32
// cannot hold the mean exactly; one unit in the last place is allowed.
Result<bool> check_mean(const std::string& folder, size_t clients) {
  std::string newest;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder + "/run/checkpoints", error))
    newest = std::max(newest, entry.path().string());
  ATOLL_ASSIGN(const auto model, SafetensorsFile::open(newest));
  const uint64_t elements = model.manifest().total_bytes() / sizeof(float);
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t index = i == 999 ? elements - 1 : i * (elements / 1000);
    float found = 0;
    ATOLL_TRY(model.read_flat(index * sizeof(float), std::as_writable_bytes(std::span(&found, 1))));
    double sum = 0;
    for (size_t k = 0; k < clients; ++k) sum += generated_value(k, index);
    const double mean = sum / static_cast<double>(clients);
    if (std::fabs(found - mean) > std::fabs(mean) * 0x1p-23 + 0x1p-60) return false;
  }
  return true;
}

Result<Run> run_one(const Options& options, const std::string& folder, Manifest manifest,
                    size_t clients, uint32_t rounds) {
  ATOLL_TRY(make_folder(options.server, folder, clients, rounds));
  ATOLL_ASSIGN(auto process, Process::start({options.server, "run", folder}));
  ATOLL_ASSIGN(const auto address, process->wait_for("listening on "));
  Sampler sampler(*process);
  Cohort cohort{options.server, folder, address, clients, rounds, std::move(manifest)};
  cohort.on_first_model = [&sampler] { sampler.mark(); };
  ATOLL_TRY(enrol(cohort));
  Run run;
  ATOLL_ASSIGN(run.wire, run_clients(cohort));
  ATOLL_TRY(process->wait());
  sampler.finish();
  run.model_bytes = cohort.manifest.total_bytes();
  run.peak_rss = sampler.peak_rss();
  run.cpu = sampler.cpu_since_mark();
  run.down_models = static_cast<double>(clients * rounds);
  run.up_models = static_cast<double>(clients * rounds + 1);
  ATOLL_ASSIGN(run.round_seconds, round_seconds(folder));
  ATOLL_ASSIGN(run.mean_is_right, check_mean(folder, clients));
  if (run.round_seconds.size() != rounds || run.wire.connections != clients)
    return Error(ErrorCode::kInternal, "the run had another number of rounds or connections");
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return run;
}

double memory_limit_mb(uint64_t model_bytes) {
  return 2.2 * static_cast<double>(model_bytes) / kMega + 64;
}

void report_run(Report& report, const std::string& label, const Run& run) {
  const auto bytes = static_cast<double>(run.model_bytes);
  const double aggregated_gb = run.down_models * bytes / 1e9;
  report.figure("peak_rss_" + label, static_cast<double>(run.peak_rss) / kMega, "MB");
  report.figure("peak_rss_over_model_" + label, static_cast<double>(run.peak_rss) / bytes, "");
  report.figure("cpu_per_gb_" + label, run.cpu / aggregated_gb, "s/GB");
  report.figure("round_p50_" + label, run.round_seconds.median(), "s");
  report.figure("round_p99_" + label, run.round_seconds.quantile(0.99), "s");
  const double down = static_cast<double>(run.wire.received) / (run.down_models * bytes);
  const double up = static_cast<double>(run.wire.sent) / (run.up_models * bytes);
  report.figure("wire_over_model_down_" + label, down, "");
  report.figure("wire_over_model_up_" + label, up, "");
  report.at_most("peak_rss_mb_" + label, static_cast<double>(run.peak_rss) / kMega,
                 memory_limit_mb(run.model_bytes), Enforce::kHard);
  report.at_most("wire_over_model_" + label, std::max(down, up), 1.01, Enforce::kHard);
  report.holds("mean_is_right_" + label, run.mean_is_right);
}

// Start-up: how soon, how large, linked with what.
Status report_startup(Report& report, const Options& options, const std::string& scratch,
                      Enforce timing) {
  const std::string folder = scratch + "/startup";
  ATOLL_TRY(make_folder(options.server, folder, 1, 1));
  Sample ready, idle;
  for (int i = 0; i < 7; ++i) {
    ATOLL_ASSIGN(auto process, Process::start({options.server, "run", folder}));
    ATOLL_TRY(process->wait_for("listening on "));
    ready.add(process->milliseconds_to_line());
    // What it still does after that line belongs to its idle memory.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Usage usage;
    if (!process->usage(usage)) return Error(ErrorCode::kIo, "the server's memory cannot be read");
    idle.add(static_cast<double>(usage.rss) / kMega);
  }
  report.figure("ready", ready, "ms from exec to listening");
  report.figure("idle_rss", idle, "MB");
  report.at_most("ready_ms", ready.median(), 100, timing);
  report.at_most("idle_rss_mb", idle.median(), 25, Enforce::kHard);

  const std::string stripped = scratch + "/stripped";
  ATOLL_TRY(output_of({"strip", "-o", stripped, options.server}));
  std::error_code error;
  const auto size = fs::file_size(stripped, error);
  if (error) return Error(ErrorCode::kIo, "cannot examine " + stripped + ": " + error.message());
  report.at_most("stripped_mb", static_cast<double>(size) / kMega, 10, Enforce::kHard);
  ATOLL_ASSIGN(const auto libraries, output_of({"ldd", options.server}));
  report.holds("links_no_torch", libraries.find("torch") == std::string::npos &&
                                     libraries.find("libc10") == std::string::npos);
  return {};
}

Result<Report> run_server(Options options, const Settings& settings) {
  ATOLL_ASSIGN(options.server, find_program(options.server, "atoll-server"));
  if (settings.short_form) {
    options.model = "8MB";
    options.clients = {2, 4};
    options.no_large = true;
  }
  constexpr uint64_t kLarge = 3ull << 30;
  ATOLL_ASSIGN(const uint64_t bytes, parse_size(options.model));
  const uint64_t most = *std::max_element(options.clients.begin(), options.clients.end());
  // An update of every client, two checkpoints kept and one being written.
  const uint64_t needed = std::max((most + 4) * bytes, options.no_large ? 0 : 5 * kLarge);
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, needed + (256u << 20)));

  Report report("server");
  report.figure("model_mb", static_cast<double>(bytes) / kMega, "MB");
  report.figure("tensors", static_cast<double>(options.tensors), "");
  report.figure("rounds", options.rounds, "for every number of clients");
  ATOLL_TRY(report_startup(report, options, scratch.path(),
                           settings.short_form ? Enforce::kShownOnly : Enforce::kHard));
  for (const size_t clients : options.clients) {
    ATOLL_ASSIGN(auto manifest, generated_manifest(bytes, options.tensors, false));
    const std::string label = std::to_string(clients) + "_clients";
    ATOLL_ASSIGN(const auto run, run_one(options, scratch.path() + "/" + label, std::move(manifest),
                                         clients, options.rounds));
    report_run(report, label, run);
  }
  ATOLL_ASSIGN(auto with_empty, generated_manifest(8 << 20, 3, true));
  ATOLL_ASSIGN(const auto empty,
               run_one(options, scratch.path() + "/empty", std::move(with_empty), 2, 1));
  report.holds("empty_tensor_passes", empty.mean_is_right);
  if (!options.no_large) {
    ATOLL_ASSIGN(auto one_tensor, generated_manifest(kLarge, 1, false));
    ATOLL_ASSIGN(const auto large,
                 run_one(options, scratch.path() + "/large", std::move(one_tensor), 1, 1));
    report.holds("one_3gb_tensor_passes", large.mean_is_right);
    report_run(report, "3gb", large);
  }
  report.note(
      "server: a process of its own; clients: one thread and a pool of one, on the same "
      "machine, over mutual TLS on loopback. cpu_per_gb: all of the server's work for one "
      "GB (10^9 bytes) of updates that entered a model, sending the model included.");
  return report;
}

}  // namespace

Benchmark server_benchmark() {
  Benchmark row;
  row.name = "server";
  row.help = "the server process under scripted clients: memory, processor time, round times";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--model", options->model, "size of the model (8MB, 256MB)")
        ->capture_default_str();
    app.add_option("--clients", options->clients, "numbers of clients, one run each")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--tensors", options->tensors, "how many tensors the model has")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000));
    app.add_option("--rounds", options->rounds, "rounds of every run")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_flag("--no-large", options->no_large, "leave the 3 GB tensor out");
    app.add_option("--server", options->server, "the server's program; beside this one by default");
    app.add_option("--scratch", options->scratch, "folder for the spool and the checkpoints");
    return [options](const Settings& settings) { return run_server(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
