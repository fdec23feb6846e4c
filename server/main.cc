// atoll-server: init, check, token, revoke, release, run, status, health, audit, export.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <filesystem>
#include <iostream>

#include "common/cli/describe.h"
#include "common/cli/log_options.h"
#include "common/core/file.h"
#include "common/core/heap.h"
#include "common/core/log.h"
#include "common/core/priority.h"
#include "common/core/supervisor.h"
#include "common/core/version.h"
#include "common/flight/signals.h"
#include "common/net/tls_transport.h"
#include "server/admin/check.h"
#include "server/admin/export.h"
#include "server/admin/folder.h"
#include "server/admin/operator_signals.h"
#include "server/admin/reload.h"
#include "server/admin/secured.h"
#include "server/server.h"
#include "server/server_file.h"
#include "server/watch/health.h"
#include "server/watch/tensorboard.h"
#include "server/watch/watch_server.h"

namespace atl::server {
namespace {

constexpr int kNiceOfHandshakes = 5;  // a third of the round loop's share

struct Options {
  ServerFolder folder;
  std::vector<std::string> names;
  std::string listen = "0.0.0.0:7070";
  std::string client;
  int64_t minutes = 24 * 60;
  bool insecure = false;
  bool verify = false, print = false;
  std::string head;
  std::string out;
};

Status init(const Options& options) {
  ATOLL_TRY(init_folder(options.folder, options.names, options.listen));
  std::cout << "made " << options.folder.path
            << ": an authority, a certificate, and server.toml to edit\n"
            << "next: atoll-server token " << options.folder.path << " CLIENT-NAME\n"
            << "      atoll-server run " << options.folder.path << "\n";
  return {};
}

Status token(const Options& options) {
  ATOLL_ASSIGN(const auto text,
               issue_token(options.folder, options.client, std::chrono::minutes(options.minutes)));
  std::cout << text << "\n";
  std::cerr << "good once, for " << options.minutes << " minutes; on the client's machine:\n"
            << "  atoll-client enroll FOLDER --server HOST:PORT --token TOKEN\n";
  return {};
}

// After a round, once a second at most.
void tidy_up() {
  using Clock = std::chrono::steady_clock;
  static Clock::time_point last;
  if (Clock::now() - last < std::chrono::seconds(1)) return;
  last = Clock::now();
  give_back_empty_pages();
}

void report(const RunEvent& event) {
  char line[160];
  switch (event.kind) {
    case RunEvent::Kind::kRoundOpened:
      std::snprintf(line, sizeof(line), "round %u of %u: %zu clients", event.round,
                    event.total_rounds, event.clients);
      return log::info("run", line);
    case RunEvent::Kind::kRoundClosed:
      tidy_up();
      std::snprintf(line, sizeof(line), "round %u closed: %zu updates, training loss %.4f, %.2f s",
                    event.round, event.done, event.train_loss, event.seconds);
      return log::info("run", line);
    case RunEvent::Kind::kEvaluated:
      std::snprintf(line, sizeof(line), "model of round %u: accuracy %.4f, loss %.4f", event.round,
                    event.accuracy, event.loss);
      return log::info("run", line);
    case RunEvent::Kind::kFinished:
      return log::info("run", "all rounds are done");
    default:
      return;
  }
}

asio::awaitable<void> run_server(Server& server, std::shared_ptr<net::Listener> listener,
                                 Status& outcome, asio::io_context& io) {
  outcome = co_await server.run(std::move(listener));
  io.stop();
}

Status check(const Options& options) {
  ATOLL_ASSIGN(const auto file, read_server_file(options.folder.config()));
  ATOLL_ASSIGN(const auto lines, check_folder(options.folder, file.run, file.address));
  for (const auto& line : lines) std::cout << line << "\n";
  if (options.print) std::cout << "\n" << to_toml(file.run);
  return {};
}

Status run(const Options& options) {
  ATOLL_ASSIGN(auto file, read_server_file(options.folder.config()));
  const auto& config = file.run;
  const auto& address = file.address;

  // A connection and an update on its way in are a descriptor each, for every client of a round.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  asio::io_context io(1);
  asio::thread_pool compute(1), handshakes(1);
  // Strangers' handshakes must not hold up a round, not even where there is one core for all.
  asio::post(handshakes, [] { set_nice_of_this_thread(kNiceOfHandshakes); });
  std::shared_ptr<net::Listener> listener;
  Server server(io.get_executor(), compute.get_executor(), config);
  SecuredFolder secured(options.folder, file.admission);
  ATOLL_ASSIGN(const auto audit, open_audit_log(options.folder.audit()));
  server.context().audit = audit.get();
  if (options.insecure) {
    ATOLL_ASSIGN(listener, net::listen_plain(io.get_executor(), address));
    log::warn("server",
              "--insecure: no encryption, no certificates; anyone on this machine can take part");
    server.context().trust_names = true;
    secured.limit(server.context());
  } else {
    auto tls = secured.attach(server.context());
    tls.aside = handshakes.get_executor();
    ATOLL_ASSIGN(listener, net::listen_tls(io.get_executor(), address, tls));
  }
  ATOLL_TRY(server.open(options.folder.run()));
  server.context().flight.open(
      {.folder = options.folder.flight(), .program = "atoll-server " + std::string(version())});
  const flight::SignalWatch dumps(io.get_executor(), server.context().flight);
  server.context().watch = report;
  server.context().wait_for_space = true;
  std::unique_ptr<TensorBoardMirror> mirror;
  if (file.watch.tensorboard) {
    ATOLL_ASSIGN(mirror, TensorBoardMirror::start(options.folder.run()));
  }
  std::unique_ptr<WatchServer> watch;
  if (!file.watch.address.empty()) {
    const auto& folder = options.folder;
    ATOLL_ASSIGN(watch, WatchServer::start(
                            file.watch, {folder.certificate(), folder.key(), folder.watch_token()},
                            server.context()));
    ATOLL_TRY(write_atomic(folder.watch(), watch->url() + "\n"));
    log::info("server", "watch it at " + watch->url());
  }
  // Before anyone is told that the server is there: who knows it may stop it.
  const auto read_again = [&] {
    auto lines = reload(options.folder, file, server.context(), secured, *listener);
    std::string text;
    for (size_t i = 0; lines && i < lines->size(); ++i) text += (i > 0 ? "; " : "") + (*lines)[i];
    if (lines) audit->record({.event = AuditEvent::kReloaded, .text = text});
    return lines;
  };
  const OperatorSignals signals(io.get_executor(), server, read_again);
  audit->record({.event = AuditEvent::kRunStarted,
                 .peer = listener->address(),
                 .text = "run " + config.name + ", after round " +
                         std::to_string(server.context().store->round())});
  ATOLL_TRY(write_atomic(options.folder.address(), listener->address() + "\n"));
  log::info("server", "listening on " + listener->address());
  tell_supervisor("READY=1\nSTATUS=listening on " + listener->address());

  Status outcome;
  asio::co_spawn(io, run_server(server, listener, outcome, io), asio::detached);
  io.run();
  handshakes.join();
  compute.join();
  std::error_code ignored;
  std::filesystem::remove(options.folder.address(), ignored);
  std::filesystem::remove(options.folder.watch(), ignored);
  if (!outcome && outcome.error().code() == ErrorCode::kInterrupted) return {};
  return outcome;
}

// The lines, then what they amount to; only the latter to verify.
Status audit(const Options& options) {
  const auto print = [](const std::string& line) { std::cout << line << "\n"; };
  ATOLL_ASSIGN(const auto sum,
               verify_audit_log(options.folder.audit(),
                                options.verify ? std::function<void(const std::string&)>() : print,
                                options.head));
  auto& out = options.verify ? std::cout : std::cerr;
  out << sum.lines << " lines, every one as it was written; the last has the hash\n"
      << sum.head << "\n";
  if (sum.cuts > 0) out << sum.cuts << " times a crash cut a line off\n";
  if (sum.unfinished) out << "the last line was cut off; the next start will mark it\n";
  return {};
}

Status export_model(const Options& options) {
  ATOLL_ASSIGN(const auto exported, export_run(options.folder.path, options.out));
  std::cout << "model    " << exported.model << "\nround    " << exported.round << "\nsha256   "
            << exported.sha256 << "\ncard     " << exported.folder << "/card.json\n"
            << "next: atoll predict " << exported.folder << " --data CLIENT.toml\n";
  return {};
}

int run_command(int argc, char** argv) {
  CLI::App app("Atoll's aggregation server: one federation, over mutual TLS.", "atoll-server");
  const cli::DescribeVerb describe(app);
  app.require_subcommand(1);
  app.set_version_flag("--version", "atoll-server " + std::string(version()));
  Options options;
  cli::add_log_options(app);
  auto* init_command =
      app.add_subcommand("init", "make a server's folder: authority, certificate, configuration");
  init_command->add_option("folder", options.folder.path)->required();
  init_command->add_option("--name", options.names,
                           "host name or address that clients will use (may be repeated)");
  init_command->add_option("--listen", options.listen, "address to listen on")
      ->capture_default_str();
  auto* token_command =
      app.add_subcommand("token", "print a one-time enrolment token for a client");
  token_command->add_option("folder", options.folder.path)->required();
  token_command->add_option("client", options.client, "the client's name")->required();
  token_command->add_option("--minutes", options.minutes, "how long the token is good")
      ->capture_default_str()
      ->check(CLI::Range(1, 527040));
  auto* revoke_command = app.add_subcommand("revoke", "revoke a client's certificate");
  revoke_command->add_option("folder", options.folder.path)->required();
  revoke_command->add_option("client", options.client)->required();
  auto* release_command =
      app.add_subcommand("release", "let a client take part again that was put in quarantine");
  release_command->add_option("folder", options.folder.path)->required();
  release_command->add_option("client", options.client)->required();
  auto* run_subcommand =
      app.add_subcommand("run", "serve the federation until all rounds are done");
  run_subcommand->footer(std::string(kSignalsHelp) + "\n" + flight::kHelp);
  run_subcommand->add_option("folder", options.folder.path)->required();
  run_subcommand->add_flag("--insecure", options.insecure, "no TLS; loopback only");
  auto* check_command = app.add_subcommand(
      "check", "look at configuration, certificate, address and run, and start nothing");
  check_command->add_option("folder", options.folder.path)->required();
  check_command->add_flag("--print", options.print, "the run's configuration, defaults filled in");
  auto* status_command = app.add_subcommand("status", "print what the server is doing, as JSON");
  status_command->add_option("folder", options.folder.path)->required();
  auto* health_command = app.add_subcommand(
      "health", "ask the running server whether it is well; 0: yes (needs [watch] address)");
  health_command->add_option("folder", options.folder.path)->required();
  auto* audit_command =
      app.add_subcommand("audit", "print the audit log, and check that nobody changed it");
  audit_command->add_option("folder", options.folder.path)->required();
  audit_command->add_flag("--verify", options.verify, "only check, and print the last line's hash");
  audit_command->add_option("--head", options.head, "a hash noted earlier: it must still be there");
  auto* export_command = app.add_subcommand(
      "export", "the newest model in a folder of its own, with a card that says where it is from");
  export_command->add_option("folder", options.folder.path, "a server's folder, or a run's")
      ->required();
  export_command->add_option("--out", options.out, "the folder to make; NAME-round-N when absent");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(ErrorCode::kUsage);
  }
  if (describe.print()) return 0;

  Status done;
  if (init_command->parsed()) done = init(options);
  if (token_command->parsed()) done = token(options);
  if (revoke_command->parsed()) done = revoke_client(options.folder, options.client);
  if (release_command->parsed())
    done = release_from_quarantine(options.folder.quarantine(), options.client);
  if (run_subcommand->parsed()) done = run(options);
  if (check_command->parsed()) done = check(options);
  if (audit_command->parsed()) done = audit(options);
  if (export_command->parsed()) done = export_model(options);
  if (status_command->parsed() || health_command->parsed()) {
    auto text = health_command->parsed() ? ask_health(options.folder) : read_status(options.folder);
    if (text)
      std::cout << *text;
    else
      done = std::move(text).error();
  }
  if (done) return 0;
  std::cerr << done.error().explain();
  return done.error().exit_status();
}

}  // namespace
}  // namespace atl::server

int main(int argc, char** argv) {
  // Of the verbs, `run` is the one that stays.
  if (std::find(argv, argv + argc, std::string_view("run")) != argv + argc)
    atl::begin_with_a_frugal_heap(argv);
  return atl::server::run_command(argc, argv);
}
