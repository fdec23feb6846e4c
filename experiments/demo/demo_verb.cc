#include "experiments/demo/demo_verb.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "common/cli/front_door.h"
#include "common/core/file.h"
#include "experiments/data/partition_report.h"
#include "experiments/demo/child_process.h"
#include "experiments/demo/run_watcher.h"
#include "experiments/report/report_verb.h"
#include "experiments/report/text.h"
#include "experiments/run/plan.h"
#include "experiments/run/progress.h"
#include "server/admin/folder.h"

namespace atl::workbench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kQuickstart =
#include "quickstart.toml.inc"
    ;

struct Options {
  std::string set, out, file;
  bool json = false;
};

void say(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

// The last lines of a program's log, for the error that ends the demo.
std::string tail(const std::string& path) {
  auto text = read_text(path);
  if (!text) return "";
  size_t begin = text->size();
  for (int lines = 0; begin > 0 && lines < 6; --begin) lines += (*text)[begin - 1] == '\n';
  return text->substr(begin);
}

Error died(const std::string& who, ChildProcess& child) {
  const int status = child.wait();
  return Error(ErrorCode::kInternal, who + " ended with status " + std::to_string(status) + ":\n" +
                                         tail(child.log_file()))
      .hint("read " + child.log_file());
}

// Runs a program of ours to its end.
Status run_to_end(const std::string& who, const std::vector<std::string>& argv,
                  const std::string& log) {
  ATOLL_ASSIGN(auto child, ChildProcess::start(argv, log));
  return child.wait() == 0 ? Status() : Status(died(who, child));
}

class Demo {
 public:
  Demo(const Plan& plan, const Prepared& prepared, std::string folder, std::string file)
      : plan_(plan),
        prepared_(prepared),
        folder_(fs::absolute(folder).lexically_normal().string()),
        file_(std::move(file)),
        bin_(program_folder()),
        server_folder_{folder_ + "/server"} {}

  Result<RunOutcome> run() {
    ATOLL_TRY(make_folders(folder_ + "/logs"));
    ATOLL_TRY(write_partition(folder_ + "/shares", plan_.partition, prepared_.partition,
                              prepared_.splits));
    ATOLL_TRY(start_server());
    ATOLL_TRY(start_clients());
    const auto begun = Clock::now();
    ATOLL_TRY(watch());
    return finish(std::chrono::duration<double>(Clock::now() - begun).count());
  }

 private:
  Status start_server() {
    ATOLL_TRY(server::init_folder(server_folder_, {"localhost"}, "127.0.0.1:0"));
    // The run is the run file's, word for word; only the address is the server's own.
    ATOLL_ASSIGN(const auto run_file, read_text(file_));
    ATOLL_TRY(write_atomic(server_folder_.config(),
                           run_file + "\n[listen]\naddress = \"127.0.0.1:0\"\n"));
    ATOLL_ASSIGN(auto child,
                 ChildProcess::start({bin_ + "/atoll-server", "run", server_folder_.path},
                                     folder_ + "/logs/server.log"));
    server_ = std::make_unique<ChildProcess>(std::move(child));
    const auto until = Clock::now() + std::chrono::seconds(20);
    while (!fs::exists(server_folder_.address())) {
      if (!server_->running()) return died("the server", *server_);
      if (Clock::now() > until) {
        return Error(ErrorCode::kDeadline, "the server does not listen after 20 s")
            .hint("read " + server_->log_file());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ATOLL_ASSIGN(address_, read_text(server_folder_.address()));
    address_.erase(address_.find_last_not_of('\n') + 1);
    ATOLL_TRY(write_provenance(server_folder_.run(), prepared_.record));
    say("server  " + address_ + ", TLS 1.3, certificates on both sides");
    return {};
  }

  Status start_clients() {
    for (const auto& share : prepared_.partition.shares) {
      const auto folder = folder_ + "/" + share.name;
      ATOLL_ASSIGN(const auto token,
                   server::issue_token(server_folder_, share.name, std::chrono::minutes(10)));
      ATOLL_TRY(run_to_end(
          "enrolling " + share.name,
          {bin_ + "/atoll-client", "enroll", folder, "--server", address_, "--token", token},
          folder_ + "/logs/" + share.name + "-enroll.log"));
      ATOLL_TRY(write_atomic(folder + "/client.toml", client_config(share)));
      ATOLL_ASSIGN(auto child, ChildProcess::start({bin_ + "/atoll-client", "run", folder},
                                                   folder_ + "/logs/" + share.name + ".log"));
      clients_.push_back({share.name, std::move(child)});
      say(share.name + "  process " + std::to_string(clients_.back().child.pid()) + ", " +
          std::to_string(share.train.size()) + " training and " +
          std::to_string(share.test.size()) + " test examples");
    }
    return {};
  }

  std::string client_config(const Share& share) const {
    const auto base = folder_ + "/shares/" + share.name;
    return "name = \"" + share.name + "\"\nserver = \"" + address_ + "\"\n\n[data]\nset = \"" +
           prepared_.record.set + "\"\nfolder = \"" +
           fs::absolute(prepared_.record.data_folder).string() + "\"\ntrain_indices = \"" + base +
           ".train.indices\"\ntest_indices = \"" + base + ".test.indices\"\naugment = \"" +
           plan_.augment + "\"\n\n[compute]\ndevice = \"" + plan_.device +
           "\"\n\n[evaluation]\nafter = " + (plan_.evaluate_after ? "true" : "false") + "\n";
  }

  Status watch() {
    Progress progress(stderr);
    RunWatcher watcher(server_folder_.run());
    auto tell = [&](const server::RunEvent& event) {
      if (event.kind == server::RunEvent::Kind::kEvaluated) {
        outcome_.accuracy = event.accuracy;
        outcome_.loss = event.loss;
      }
      progress.show(event);
    };
    for (bool alive = true; alive;) {
      alive = server_->running();
      watcher.poll(tell);
      for (auto& [name, child] : clients_) {
        // A client leaves in peace when the run is complete.
        if (!child.running() && child.wait() != 0) return died(name, child);
      }
      if (alive) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (server_->wait() != 0 || !watcher.finished()) return died("the server", *server_);
    for (auto& [name, child] : clients_) {
      if (child.wait() != 0) return died(name, child);
    }
    outcome_.model = watcher.model();
    outcome_.model_sha256 = watcher.model_sha256();
    return {};
  }

  Result<RunOutcome> finish(double seconds) {
    outcome_.rounds = plan_.run.rounds;
    outcome_.seconds = seconds;
    outcome_.run = server_folder_.run();
    auto record = prepared_.record;
    record.seconds = seconds;
    ATOLL_TRY(write_provenance(outcome_.run, record));
    ATOLL_ASSIGN(outcome_.report, write_report(outcome_.run));
    return outcome_;
  }

  struct Client {
    std::string name;
    ChildProcess child;
  };
  const Plan& plan_;
  const Prepared& prepared_;
  const std::string folder_, file_, bin_;
  server::ServerFolder server_folder_;
  std::string address_;
  std::unique_ptr<ChildProcess> server_;
  std::vector<Client> clients_;
  RunOutcome outcome_{.accuracy = std::nan(""), .loss = std::nan("")};
};

// The run file that was asked for, or ours, put into the demo's folder.
Result<std::string> run_file(const Options& o, const std::string& folder) {
  if (!o.file.empty()) return o.file;
  auto file = folder + "/quickstart.toml";
  ATOLL_TRY(make_folders(folder));
  ATOLL_TRY(write_atomic(file, kQuickstart));
  return file;
}

Status run(const Options& o) {
  const auto folder = o.out.empty() ? new_run_folder("demo") : o.out;
  ATOLL_ASSIGN(const auto file, run_file(o, folder));
  ATOLL_ASSIGN(const auto plan, load_plan(file, o.set));
  ATOLL_ASSIGN(auto prepared, prepare(plan, say));
  prepared.record.command = "atoll demo" + (o.set.empty() ? "" : " --data " + o.set);
  say("folder  " + folder);
  Demo demo(plan, prepared, folder, file);
  ATOLL_ASSIGN(auto outcome, demo.run());
  // Shown as short as they can be typed.
  for (auto* path : {&outcome.model, &outcome.run, &outcome.report}) {
    *path = fs::proximate(*path).string();
  }
  if (o.json) return std::printf("%s\n", to_json(outcome).c_str()), Status();
  std::printf(
      "\n%zu clients learned %s together in %s: test accuracy %.4f after %u rounds.\n"
      "No image left its client.\n"
      "  model   %s\n  sha256  %s\n  report  %s\n"
      "next: the same run in one process, byte for byte:\n"
      "      %s simulate %s%s\n",
      prepared.partition.shares.size(), prepared.record.set.c_str(),
      human_seconds(outcome.seconds).c_str(), outcome.accuracy, outcome.rounds,
      outcome.model.c_str(), outcome.model_sha256.c_str(), outcome.report.c_str(),
      cli::front_door().c_str(), fs::proximate(file).c_str(),
      o.set.empty() ? "" : (" --data " + o.set).c_str());
  return {};
}

}  // namespace

void add_demo_verb(CLI::App& app, Verbs& verbs) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("demo", "a federation of five processes learns real images");
  verb->add_option("--data", o->set, "fashion_mnist, mnist, digits, ... (`atoll data list`)");
  verb->add_option("--file", o->file, "another run file");
  verb->add_option("--out", o->out, "the demo's folder; default: a new one under runs/");
  verb->add_flag("--json", o->json, "end with one line of JSON");
  verbs.push_back({verb, [o] { return run(*o); }});
}

}  // namespace atl::workbench
