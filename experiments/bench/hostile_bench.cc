#include "experiments/bench/hostile_bench.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "common/core/file.h"
#include "common/core/priority.h"
#include "experiments/bench/hostile/cases.h"
#include "experiments/bench/hostile/honest.h"
#include "experiments/bench/process.h"
#include "experiments/bench/scratch.h"
#include "experiments/bench/scripted_clients.h"

namespace atl::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMega = 1024.0 * 1024;
constexpr size_t kHonest = 8;
constexpr uint32_t kBlock = 10;     // rounds with attackers, and without, in turn
constexpr uint32_t kQuiet = 5;      // rounds before the first attack
constexpr uint32_t kCalm = 60;      // rounds after the last
constexpr double kMostGrowth = 64;  // MB, of the server under attack
// MB, of a run that has no model to compare manifests with: what it keeps (server/door.h), and one
// of a million tensors while it is read.
constexpr double kMostWithout = 512;
constexpr int kTraining = 40;  // ms

struct Options {
  std::string server, scratch, only;
  uint32_t rounds = 1000;
  bool list = false, slowest = false;
};

// One server's folder and process.
struct Scenery {
  Ground ground;
  std::unique_ptr<Process> process;
};

// A cohort of all who are there, closed by the honest clients' updates: the refused ones, and those
// who never send any, are not waited for.
std::string run_file(uint32_t rounds, size_t clients) {
  std::ostringstream toml;
  toml << "name = \"hostile\"\nrounds = " << rounds << "\n[listen]\naddress = \"127.0.0.1:0\"\n"
       << "[selection]\nmin_clients = " << clients << "\ncohort = " << clients
       << "\nover_selection = 9.0\nquorum = " << clients
       << "\n[aggregation]\npolicy = \"all\"\n[evaluation]\nevery = 0\n"
       << "[timeouts]\nprogress_s = 20.0\npoll_s = 2.0\n";
  return toml.str();
}

Result<Scenery> open_scenery(const std::string& server, const std::string& folder, uint32_t rounds,
                             size_t clients) {
  ATOLL_TRY(output_of({server, "init", folder, "--listen", "127.0.0.1:0"}));
  ATOLL_TRY(write_atomic(folder + "/server.toml", run_file(rounds, clients)));
  Scenery made;
  ATOLL_ASSIGN(made.process, Process::start({server, "--log", "info", "run", folder}));
  ATOLL_ASSIGN(made.ground.address, made.process->wait_for("listening on "));
  made.ground.server = server;
  made.ground.folder = folder;
  made.ground.manifest = honest_manifest();
  ATOLL_ASSIGN(made.ground.authority.certificate_pem,
               read_text(folder + "/identity/authority.pem"));
  ATOLL_ASSIGN(made.ground.authority.key_pem, read_text(folder + "/identity/authority.key"));
  return made;
}

// The models' hashes, round by round.
Result<std::vector<std::string>> models_of(const std::string& folder) {
  ATOLL_ASSIGN(const auto text, read_text(folder + "/run/metrics.jsonl"));
  std::vector<std::string> hashes;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("event", "") == "round")
      hashes.push_back(json.value("model_sha256", ""));
  }
  return hashes;
}

// Rounds without anybody else: the bits that the run under attack has to have.
Result<std::vector<std::string>> run_undisturbed(const std::string& server,
                                                 const std::string& folder, uint32_t rounds) {
  ATOLL_ASSIGN(auto made, open_scenery(server, folder, rounds, kHonest));
  ATOLL_TRY(enrol({server, folder, made.ground.address, kHonest}));
  HonestRun shared;
  ATOLL_TRY(run_honest(folder, made.ground.address, kHonest, shared));
  ATOLL_TRY(made.process->wait());
  return models_of(folder);
}

// Goes through the cases on a few threads, and keeps what came of each, and when.
class Attack {
 public:
  Attack(std::vector<Case> cases, const Ground& federation, const Ground& empty)
      : cases_(std::move(cases)),
        federation_(federation),
        empty_(empty),
        verdicts_(cases_.size()) {}

  struct Interval {
    TimePoint from, to;
    size_t what;  // of cases()
  };

  void perform_one(size_t index, bool takes_part) {
    const Case& one = cases_[index];
    const Ground& ground = one.scene == Scene::kEmpty ? empty_ : federation_;
    const auto from = Clock::now();
    Verdict verdict;
    // An attacker may be too late for the round it was in; then it has shown nothing.
    for (int tries = 0; tries < 5; ++tries) {
      verdict = perform(ground, one, "evil" + std::to_string(count_++));
      const bool stale =
          verdict.number == static_cast<int>(wire::Reason::kStaleRound) &&
          (verdict.kind == Verdict::Kind::kOutcome || verdict.kind == Verdict::Kind::kRefused);
      if (!stale || verdict == one.expected) break;
    }
    const std::lock_guard lock(mutex_);
    if (takes_part) intervals_.push_back({from, Clock::now(), index});
    ++done_;
    // One that went wrong once is wrong.
    if (!verdicts_[index] || is_right(index)) verdicts_[index] = std::move(verdict);
  }
  bool is_right(size_t index) const {
    const auto& verdict = verdicts_[index];
    return verdict && *verdict == cases_[index].expected &&
           verdict->text.find(cases_[index].says) != std::string::npos;
  }

  const std::vector<Case>& cases() const { return cases_; }
  const std::vector<std::optional<Verdict>>& verdicts() const { return verdicts_; }
  const std::vector<Interval>& intervals() const { return intervals_; }
  size_t performed() const { return done_; }

 private:
  std::vector<Case> cases_;
  const Ground& federation_;
  const Ground& empty_;
  std::mutex mutex_;
  std::vector<std::optional<Verdict>> verdicts_;
  std::vector<Interval> intervals_;
  std::atomic<size_t> count_{0}, done_{0};
};

struct Plan {
  uint32_t rounds = 0;
  bool in_blocks = false;  // attack again and again, in every second block
};

// An attacker's processor is another machine's: here it gets what the others leave.
void become_attacker(const Plan& plan) {
  if (plan.in_blocks) set_nice_of_this_thread(19);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

// Attacks until the plan is fulfilled. The honest clients run meanwhile.
void attack(Attack& attack, const Plan& plan, HonestRun& honest, const std::atomic<bool>& over) {
  const auto may_begin = [&] {
    const uint32_t round = honest.round;
    return round >= kQuiet && (!plan.in_blocks || (round / kBlock) % 2 == 1);
  };
  std::vector<size_t> quick, alone;
  std::vector<std::thread> threads;
  while (!over && honest.round < kQuiet) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (size_t i = 0; i < attack.cases().size(); ++i) {
    if (!attack.cases()[i].slow) {
      (attack.cases()[i].scene == Scene::kEmpty ? alone : quick).push_back(i);
      continue;
    }
    threads.emplace_back([&attack, &plan, i] {
      become_attacker(plan);
      attack.perform_one(i, false);
    });
  }
  // Once, and in their order: the last of them makes a model.
  threads.emplace_back([&attack, &plan, &alone] {
    become_attacker(plan);
    for (const size_t i : alone) attack.perform_one(i, false);
  });
  // Those that need rounds first, while there are some.
  std::stable_partition(quick.begin(), quick.end(),
                        [&attack](size_t i) { return attack.cases()[i].stage >= Stage::kWorking; });
  std::atomic<size_t> next{0};
  const auto work = [&] {
    become_attacker(plan);
    for (;;) {
      const size_t turn = next++;
      const bool again = turn >= quick.size();
      if (over || (again && !plan.in_blocks)) return;
      while (!may_begin()) {
        if (over || (again && honest.round + kCalm > plan.rounds)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      const size_t index = quick[turn % quick.size()];
      if (again && honest.round + kCalm > plan.rounds) return;
      attack.perform_one(index, true);
    }
  };
  for (int i = 0; i < (plan.in_blocks ? 2 : 3); ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
}

// The short form has as many rounds as it has: they go slower while there is more to do than
// rounds.
void pace_rounds(HonestRun& honest, const Plan& plan, size_t cases_left) {
  const uint32_t rounds_left = plan.rounds - std::min<uint32_t>(plan.rounds, honest.round);
  honest.training_ms = cases_left == 0 ? 0 : 2 * cases_left > rounds_left ? 200 : kTraining;
}

// The rounds that took longest, and who was at work then.
void report_slowest(Report& report, const HonestRun& honest, const Attack& attack) {
  struct Slow {
    double ms;
    uint32_t round;
    TimePoint from, to;
  };
  std::vector<Slow> rounds;
  const auto begun = honest.begun();
  for (auto [number, from] : begun) {
    const auto next = begun.find(number + 1);
    if (number < 2 || next == begun.end()) continue;
    rounds.push_back({std::chrono::duration<double, std::milli>(next->second - from).count(),
                      number, from, next->second});
  }
  std::sort(rounds.begin(), rounds.end(), [](const Slow& a, const Slow& b) { return a.ms > b.ms; });
  rounds.resize(std::min<size_t>(rounds.size(), 20));
  for (const auto& slow : rounds) {
    std::string who;
    for (const auto& one : attack.intervals())
      if (one.from < slow.to && one.to > slow.from)
        who += std::string(who.empty() ? "" : ", ") + attack.cases()[one.what].name;
    report.note("round " + std::to_string(slow.round) + ": " +
                std::to_string(static_cast<int>(slow.ms)) +
                " ms: " + (who.empty() ? "nobody" : who));
  }
}

// From one model's arrival at a client to the next one's, for rounds that met an attacker and for
// those that did not.
void compare_rounds(Report& report, const HonestRun& honest, const Attack& attack,
                    uint32_t rounds) {
  Sample with, without;
  const auto begun = honest.begun();
  for (auto [number, from] : begun) {
    const auto next = begun.find(number + 1);
    if (number < 2 || next == begun.end() || number + 2 > rounds) continue;
    const bool met = std::any_of(
        attack.intervals().begin(), attack.intervals().end(),
        [&, from = from](const auto& one) { return one.from < next->second && one.to > from; });
    (met ? with : without)
        .add(std::chrono::duration<double, std::milli>(next->second - from).count());
  }
  if (with.size() < 3 || without.size() < 3) return;
  report.figure("round_without", without, "ms");
  report.figure("round_with", with, "ms");
  report.figure("round_p99_without", without.quantile(0.99), "ms");
  report.figure("round_p99_with", with.quantile(0.99), "ms");
  report.at_most("round_p50_with_over_without", with.median() / without.median(), 1.10,
                 Enforce::kHard);
  report.at_most("round_p99_with_over_without", with.quantile(0.99) / without.quantile(0.99), 1.10,
                 Enforce::kHard);
}

void report_cases(Report& report, const Attack& attack, bool list) {
  size_t right = 0;
  for (size_t i = 0; i < attack.cases().size(); ++i) {
    const auto& one = attack.cases()[i];
    const auto& verdict = attack.verdicts()[i];
    right += attack.is_right(i);
    const std::string found = verdict ? verdict->in_words() : "not performed";
    if (!attack.is_right(i))
      report.note("WRONG: " + std::string(one.name) + ": " + found + ", expected " +
                  one.expected.in_words() + " \"" + one.says + "\"");
    else if (list)
      report.note(std::string(one.name) + ": " + found);
  }
  const auto all = static_cast<double>(attack.cases().size());
  report.figure("cases", all, "");
  report.figure("performed", static_cast<double>(attack.performed()), "times");
  report.at_least("named_refusals", static_cast<double>(right), all, Enforce::kHard);
}

Result<Report> run_hostile(Options options, const Settings& settings) {
  ATOLL_ASSIGN(options.server, find_program(options.server, "atoll-server"));
  const Plan plan{settings.short_form ? 150 : options.rounds, !settings.short_form};
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 256u << 20));
  Report report("hostile");

  ATOLL_ASSIGN(const auto expected,
               run_undisturbed(options.server, scratch.path() + "/clean", plan.rounds));
  ATOLL_ASSIGN(auto federation,
               open_scenery(options.server, scratch.path() + "/federation", plan.rounds, kHonest));
  ATOLL_ASSIGN(auto empty, open_scenery(options.server, scratch.path() + "/empty", 3, 1));
  ATOLL_TRY(enrol({options.server, federation.ground.folder, federation.ground.address, kHonest}));

  auto cases = all_cases();
  std::erase_if(cases, [&options](const Case& one) {
    return std::string_view(one.name).find(options.only) == std::string_view::npos;
  });
  Attack attacks(std::move(cases), federation.ground, empty.ground);
  HonestRun honest;
  honest.training_ms = kTraining;
  honest.hold_at = plan.in_blocks ? plan.rounds + 1 : plan.rounds - 1;
  std::atomic<bool> over{false};
  Usage before, empty_before;
  std::thread attacker([&] {
    while (!over && honest.round < kQuiet)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    federation.process->usage(before);
    empty.process->usage(empty_before);
    attack(attacks, plan, honest, over);
    // Nobody is left whom the last rounds would have to wait for.
    honest.hold_at = ~0u;
  });
  Usage after, empty_after;
  std::atomic<bool> sampled{false};
  std::thread sampler([&] {
    while (!sampled) {
      federation.process->usage(after);
      empty.process->usage(empty_after);
      const size_t left = attacks.cases().size() - attacks.performed();
      if (!plan.in_blocks) pace_rounds(honest, plan, left);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  auto ran = run_honest(federation.ground.folder, federation.ground.address, kHonest, honest);
  over = true;
  attacker.join();
  sampled = true;
  sampler.join();
  ATOLL_TRY(ran);
  ATOLL_TRY(federation.process->wait());

  report.figure("honest_clients", kHonest, "");
  report.figure("rounds", plan.rounds, "");
  report_cases(report, attacks, options.list);
  ATOLL_ASSIGN(const auto found, models_of(federation.ground.folder));
  report.holds("models_are_bit_for_bit_those_without_attackers",
               found == expected && found.size() == plan.rounds);
  const auto growth = [](const Usage& from, const Usage& to) {
    return (static_cast<double>(to.peak_rss) - static_cast<double>(from.rss)) / kMega;
  };
  report.figure("rss_before", static_cast<double>(before.rss) / kMega, "MB");
  report.at_most("rss_growth_mb", growth(before, after), kMostGrowth, Enforce::kHard);
  report.at_most("rss_growth_without_a_model_mb", growth(empty_before, empty_after), kMostWithout,
                 Enforce::kHard);
  if (plan.in_blocks) compare_rounds(report, honest, attacks, plan.rounds);
  if (options.slowest) report_slowest(report, honest, attacks);
  report.note(
      "server: a process of its own; honest clients, and attackers at the lowest priority: this "
      "process, on the same cores. A round: from one model's arrival at a client to the next "
      "one's, " +
      std::to_string(kTraining) + " ms of training included; \"with\": an attacker was at work.");
  return report;
}

}  // namespace

Benchmark hostile_benchmark() {
  Benchmark row;
  row.name = "hostile";
  row.help = "the server process under attack: named refusals, models, memory, round times";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--rounds", options->rounds, "rounds of the full form")
        ->capture_default_str()
        ->check(CLI::Range(60, 100000));
    app.add_option("--only", options->only, "cases whose name holds this text");
    app.add_flag("--list", options->list, "print what every case was answered");
    app.add_flag("--slowest", options->slowest, "print who was at work in the slowest rounds");
    app.add_option("--server", options->server, "the server's program; beside this one by default");
    app.add_option("--scratch", options->scratch, "folder for the servers' files");
    return [options](const Settings& settings) { return run_hostile(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
