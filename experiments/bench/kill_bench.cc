#include "experiments/bench/kill_bench.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/core/fault.h"
#include "common/core/file.h"
#include "common/net/identity.h"
#include "experiments/bench/process.h"
#include "experiments/bench/scratch.h"
#include "experiments/bench/supervised.h"

namespace atl::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kRounds = 4;
constexpr milliseconds kFreeze{3000};
constexpr seconds kReach{60};      // until the fault point is reached
constexpr seconds kComplete{120};  // until the run is complete, restarts included
const std::vector<std::string> kClients{"a", "b"};

// Who dies (or is frozen) at the moment when a point is reached.
enum class Victim { kOwner, kOther, kBoth, kFrozen };
constexpr Victim kVictims[] = {Victim::kOwner, Victim::kOther, Victim::kBoth, Victim::kFrozen};

struct Case {
  std::string point;
  Victim victim = Victim::kOwner;
  bool at_client() const { return point.rfind("client.", 0) == 0; }
  bool at_enrolment() const { return point == "enrol" || point == "client.enrol"; }
  bool at_renewal() const { return point == "client.renew"; }
  std::string who() const {
    const std::string owner = at_client() ? "client" : "server";
    const std::string other = at_client() ? "server" : "client";
    switch (victim) {
      case Victim::kOwner:
        return owner + " killed";
      case Victim::kOther:
        return other + " killed";
      case Victim::kBoth:
        return "both killed";
      case Victim::kFrozen:
        return owner + " frozen";
    }
    return "";
  }
};

struct Verdict {
  bool reached = false, complete = false, equal = false, metrics_once = false;
  uint32_t repeated = 0;  // openings of a round beyond the first
  double seconds = 0;
  std::string why;
  bool good() const { return reached && complete && equal && metrics_once && repeated <= 1; }
};

struct Options {
  std::string point, scratch;
};

// One federation: a server's folder and its clients' folders, enrolled once and copied for each
// case.
class Stage {
 public:
  Stage(std::string scratch, std::string server, std::string client, std::string atoll)
      : scratch_(std::move(scratch)),
        server_(std::move(server)),
        client_(std::move(client)),
        atoll_(std::move(atoll)) {}

  Status build() {
    const std::string base = scratch_ + "/base";
    ATOLL_TRY(make_folders(base));
    ATOLL_TRY(output_of({atoll_, "data", "get", "digits"}));
    ATOLL_TRY(output_of({atoll_, "data", "partition", "digits", "--scheme", "dirichlet", "--alpha",
                         "0.5", "--clients", "2", "--seed", "1", "--out", base + "/shares"}));
    ATOLL_TRY(output_of({server_, "init", base + "/server", "--listen", "127.0.0.1:0"}));
    ATOLL_TRY(write_config(base, "127.0.0.1:0"));
    Supervised server({server_, "run", base + "/server"}, base + "/server.log");
    ATOLL_TRY(server.start());
    ATOLL_ASSIGN(address_, wait_for_address(base));
    for (const auto& name : kClients) ATOLL_TRY(enrol(base, name));
    server.kill();
    // Every server after this one listens where the clients look for it.
    ATOLL_TRY(write_config(base, address_));
    std::error_code ignored;
    fs::remove_all(base + "/server/run", ignored);
    fs::remove(base + "/server/address", ignored);
    return {};
  }

  // The undisturbed run.
  Result<std::string> reference() {
    ATOLL_ASSIGN(const auto folder, fresh("reference", false));
    Cast cast(*this, folder);
    ATOLL_TRY(cast.server.start());
    for (auto& client : cast.clients) ATOLL_TRY(client->start());
    const auto why = finish(cast);
    if (!why.empty()) return Error(ErrorCode::kInternal, "the undisturbed run: " + why);
    return model_of(folder);
  }

  Result<Verdict> play(const Case& one, const std::string& expected) {
    ATOLL_ASSIGN(const auto folder, fresh("case", one.at_enrolment()));
    const auto begun = std::chrono::steady_clock::now();
    Verdict verdict;
    Cast cast(*this, folder);
    if (one.at_renewal()) ATOLL_TRY(age_certificate(folder, "a"));
    if (one.at_enrolment()) {
      ATOLL_TRY(disturb_enrolment(one, cast, folder, verdict));
    } else {
      ATOLL_TRY(disturb_run(one, cast, verdict));
    }
    verdict.why = finish(cast);
    verdict.complete = verdict.why.empty();
    if (verdict.complete) {
      ATOLL_ASSIGN(const auto found, model_of(folder));
      verdict.equal = found == expected;
      if (!verdict.equal) verdict.why = "the model is " + found;
      examine(folder, cast, verdict);
    }
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun;
    verdict.seconds = passed.count();
    return verdict;
  }

 private:
  // The programs of one case.
  struct Cast {
    Cast(const Stage& stage, const std::string& folder)
        : server({stage.server_, "run", folder + "/server"}, folder + "/server.log") {
      for (const auto& name : kClients)
        clients.push_back(std::make_unique<Supervised>(
            std::vector<std::string>{stage.client_, "run", folder + "/" + name},
            folder + "/" + name + ".log"));
    }
    Supervised server;
    std::vector<std::unique_ptr<Supervised>> clients;
  };

  static Status write_config(const std::string& base, const std::string& address) {
    std::ostringstream toml;
    toml << "name = \"kill\"\nrounds = " << kRounds << "\n[listen]\naddress = \"" << address
         << "\"\n[model]\nname = \"mlp\"\nnorm = \"ln\"\n[train]\nlearning_rate = 0.1\n"
         << "momentum = 0.9\n[selection]\nmin_clients = 2\n[timeouts]\nprogress_s = 60.0\n";
    return write_atomic(base + "/server/server.toml", toml.str());
  }

  static Result<std::string> wait_for_address(const std::string& base) {
    for (const auto until = std::chrono::steady_clock::now() + kReach;;) {
      auto text = read_text(base + "/server/address");
      if (text && !text->empty() && text->back() == '\n') return text->substr(0, text->size() - 1);
      if (std::chrono::steady_clock::now() > until) {
        auto log = read_text(base + "/server.log");
        return Error(ErrorCode::kDeadline,
                     "the server does not listen; it said: " + (log ? *log : ""));
      }
      std::this_thread::sleep_for(milliseconds(5));
    }
  }

  Result<std::string> token_for(const std::string& folder, const std::string& name) const {
    ATOLL_ASSIGN(auto token, output_of({server_, "token", folder + "/server", name}));
    while (!token.empty() && token.back() == '\n') token.pop_back();
    return token;
  }

  Status enrol(const std::string& folder, const std::string& name) const {
    ATOLL_ASSIGN(const auto token, token_for(folder, name));
    ATOLL_TRY(output_of(
        {client_, "enroll", folder + "/" + name, "--server", address_, "--token", token}));
    return write_client(folder, name);
  }

  Status write_client(const std::string& folder, const std::string& name) const {
    const std::string number = name == "a" ? "1" : "2";
    std::ostringstream toml;
    toml << "name = \"" << name << "\"\nserver = \"" << address_
         << "\"\n[data]\nset = \"digits\"\ntrain_indices = \"../shares/client-" << number
         << ".train.indices\"\ntest_indices = \"../shares/client-" << number << ".test.indices\"\n";
    return write_atomic(folder + "/" + name + "/client.toml", toml.str());
  }

  // Gives a client a certificate of 24 hours, 23 of which are over: it asks for another by itself.
  static Status age_certificate(const std::string& folder, const std::string& name) {
    const std::string server = folder + "/server/identity/",
                      mine = folder + "/" + name + "/identity/";
    ATOLL_ASSIGN(auto authority_key, read_text(server + "authority.key"));
    ATOLL_ASSIGN(auto authority, read_text(server + "authority.pem"));
    ATOLL_ASSIGN(const auto key, read_text(mine + "client.key"));
    ATOLL_ASSIGN(const auto request, net::make_request(key, name));
    const auto then = std::chrono::system_clock::now() - std::chrono::hours(23);
    ATOLL_ASSIGN(const auto aged,
                 net::sign_client_request({std::move(authority_key), std::move(authority)}, request,
                                          name, then, std::chrono::hours(24)));
    // The server renews what it has on file.
    ATOLL_TRY(write_atomic(folder + "/server/clients/" + name + ".pem", aged));
    return write_atomic(mine + "client.pem", aged);
  }

  // A copy of the base; without client b's identity when the case enrols it.
  Result<std::string> fresh(const std::string& name, bool without_b) const {
    const std::string folder = scratch_ + "/" + name;
    std::error_code error;
    fs::remove_all(folder, error);
    fs::copy(scratch_ + "/base", folder, fs::copy_options::recursive, error);
    if (error) return errno_error("cannot copy the federation", error.value());
    if (without_b) fs::remove_all(folder + "/b", error);
    return folder;
  }

  // The point is reached when its owner stops itself there: then the victims are killed, at exactly
  // this moment, and started again.
  static Status strike(const Case& one, Supervised& owner, std::vector<Supervised*> others,
                       Verdict& verdict, bool restart_owner = true) {
    verdict.reached = owner.wait_until_stopped(kReach);
    if (!verdict.reached) return {};
    if (one.victim == Victim::kFrozen) std::this_thread::sleep_for(kFreeze);
    const bool others_die = one.victim == Victim::kOther || one.victim == Victim::kBoth;
    const bool owner_dies = one.victim == Victim::kOwner || one.victim == Victim::kBoth;
    if (others_die)
      for (auto* other : others) other->kill();
    if (owner_dies)
      owner.kill();
    else
      owner.resume();
    if (others_die)
      for (auto* other : others) ATOLL_TRY(other->start());
    if (owner_dies && restart_owner) ATOLL_TRY(owner.start());
    return {};
  }

  Status disturb_run(const Case& one, Cast& cast, Verdict& verdict) {
    // The second time, so that something was done already; some are reached once.
    const bool once = one.point == "evaluate" || one.point == "client.connect" || one.at_renewal();
    const std::string fault = one.point + "=stop@" + (once ? "1" : "2");
    ATOLL_TRY(cast.server.start(one.at_client() ? "" : fault));
    ATOLL_TRY(cast.clients[0]->start(one.at_client() ? fault : ""));
    ATOLL_TRY(cast.clients[1]->start());
    std::vector<Supervised*> clients;
    for (auto& client : cast.clients) clients.push_back(client.get());
    return one.at_client() ? strike(one, *cast.clients[0], {&cast.server}, verdict)
                           : strike(one, cast.server, clients, verdict);
  }

  // Client b is enrolled during the case; a person would type the command again.
  Status disturb_enrolment(const Case& one, Cast& cast, const std::string& folder,
                           Verdict& verdict) {
    const std::string fault = one.point + "=stop@1";
    ATOLL_TRY(cast.server.start(one.at_client() ? "" : fault));
    ATOLL_TRY(cast.clients[0]->start());
    ATOLL_TRY(wait_for_address(folder));
    ATOLL_ASSIGN(const auto token, token_for(folder, "b"));
    Supervised enrolment({client_, "enroll", folder + "/b", "--server", address_, "--token", token},
                         folder + "/enroll.log");
    ATOLL_TRY(enrolment.start(one.at_client() ? fault : ""));
    ATOLL_TRY(one.at_client() ? strike(one, enrolment, {&cast.server}, verdict, false)
                              : strike(one, cast.server, {&enrolment}, verdict));
    // Whatever became of it, the same command is good until it succeeds.
    for (int attempt = 0; attempt < 20; ++attempt) {
      if (enrolment.wait(kComplete) == 0 || exists(folder + "/b/identity/client.pem")) break;
      std::this_thread::sleep_for(milliseconds(200));
      ATOLL_TRY(enrolment.start());
    }
    if (!exists(folder + "/b/identity/client.pem")) {
      auto log = read_text(folder + "/enroll.log");
      verdict.why = "not enrolled: " + (log ? *log : "");
      return {};
    }
    ATOLL_TRY(write_client(folder, "b"));
    return cast.clients[1]->start();
  }

  // Waits for the end of all. Empty when all is well.
  static std::string finish(Cast& cast) {
    for (auto& client : cast.clients) {
      const int status = client->wait(kComplete);
      if (status != 0)
        return "a client " +
               (status < 0 ? std::string("hangs") : "ended with status " + std::to_string(status));
    }
    const int status = cast.server.wait(kComplete);
    if (status == 0) return "";
    return "the server " +
           (status < 0 ? std::string("hangs") : "ended with status " + std::to_string(status));
  }

  static Result<std::string> model_of(const std::string& folder) {
    ATOLL_ASSIGN(const auto text, read_text(folder + "/server/run/status.json"));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || json.value("state", "") != "finished")
      return Error(ErrorCode::kInternal, "the run is not finished: " + text);
    return json.value("model_sha256", "");
  }

  // Repeated rounds from what the servers said, and whether the metrics tell every round once.
  static void examine(const std::string& folder, Cast& cast, Verdict& verdict) {
    uint32_t opened = 0;
    auto log = read_text(cast.server.log_file());
    std::istringstream said(log ? *log : "");
    for (std::string line; std::getline(said, line);) {
      unsigned round = 0;  // one beyond the last is the last evaluation
      const auto place = line.find("round ");
      if (place == std::string::npos) continue;
      int used = 0;
      std::sscanf(line.c_str() + place, "round %u of 4: %n", &round, &used);
      opened += used > 0 && round <= kRounds;
    }
    verdict.repeated = opened > kRounds ? opened - kRounds : 0;
    std::map<std::string, int> told;
    auto metrics = read_text(folder + "/server/run/metrics.jsonl");
    std::istringstream lines(metrics ? *metrics : "");
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      if (!json.is_object()) continue;
      ++told[json.value("event", "") + std::to_string(json.value("round", 0)) +
             json.value("client", "")];
    }
    verdict.metrics_once = true;
    for (uint32_t round = 1; round <= kRounds; ++round) {
      std::vector<std::string> keys{"round" + std::to_string(round),
                                    "evaluation" + std::to_string(round)};
      for (const auto& name : kClients) keys.push_back("client" + std::to_string(round) + name);
      for (const auto& key : keys) {
        if (told[key] == 1) continue;
        verdict.metrics_once = false;
        verdict.why = "metrics.jsonl has " + std::to_string(told[key]) + " lines of " + key;
      }
    }
  }

  std::string scratch_, server_, client_, atoll_, address_;
};

Result<Report> run_kill(const Options& options, const Settings& settings) {
  ATOLL_ASSIGN(const auto server, find_program("", "atoll-server"));
  ATOLL_ASSIGN(const auto client, find_program("", "atoll-client"));
  ATOLL_ASSIGN(const auto atoll, find_program("", "atoll"));
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 256u << 20));
  Stage stage(scratch.path(), server, client, atoll);
  ATOLL_TRY(stage.build());
  ATOLL_ASSIGN(const auto expected, stage.reference());

  Report report("kill");
  size_t played = 0, complete = 0, equal = 0, good = 0, turn = 0;
  uint32_t most_repeated = 0;
  for (const auto name : fault::names()) {
    ++turn;
    for (const auto victim : kVictims) {
      if (!options.point.empty() && options.point != name) continue;
      // The short form takes one victim a point, in turn.
      if (settings.short_form && victim != kVictims[turn % 3]) continue;
      const Case one{std::string(name), victim};
      ATOLL_ASSIGN(const auto verdict, stage.play(one, expected));
      char line[200];
      std::snprintf(line, sizeof(line), "%-18s %-15s %-8s %u repeated  %5.1f s  %s",
                    one.point.c_str(), one.who().c_str(), verdict.good() ? "passed" : "FAILED",
                    verdict.repeated, verdict.seconds,
                    verdict.reached ? verdict.why.c_str() : "the point was not reached");
      std::cerr << line << std::endl;
      report.note(line);
      ++played;
      complete += verdict.complete;
      equal += verdict.equal;
      good += verdict.good();
      most_repeated = std::max(most_repeated, verdict.repeated);
    }
  }
  report.figure("cases", static_cast<double>(played), "");
  report.at_least("complete", static_cast<double>(complete), static_cast<double>(played),
                  Enforce::kHard);
  report.at_least("model_equal", static_cast<double>(equal), static_cast<double>(played),
                  Enforce::kHard);
  report.at_least("all_good", static_cast<double>(good), static_cast<double>(played),
                  Enforce::kHard);
  report.at_most("most_repeated_rounds", most_repeated, 1, Enforce::kHard);
  return report;
}

}  // namespace

Benchmark kill_benchmark() {
  Benchmark row;
  row.name = "kill";
  row.help = "server and clients killed and frozen at every fault point; the model stays the same";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--point", options->point, "this fault point only");
    app.add_option("--scratch", options->scratch, "folder for the federations");
    return [options](const Settings& settings) { return run_kill(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
