#include "experiments/bench/network_bench.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <future>
#include <iostream>
#include <mutex>
#include <thread>

#include "experiments/bench/network/cells.h"
#include "experiments/bench/network/lost_frames.h"
#include "experiments/bench/network/scenes.h"
#include "experiments/bench/process.h"
#include "experiments/bench/scratch.h"

namespace atl::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<int> kLoss{0, 1, 5, 20}, kRtt{0, 50, 200}, kRate{1, 10, 100};
// Cells that take next to no processor time go side by side.
constexpr size_t kSideBySide = 6;

struct Options {
  std::string server, scratch, congestion, only;
  std::vector<int> loss = kLoss, rtt = kRtt, rate = kRate;
  uint64_t seed = 1;
};

// Others would slow it down, unless loss does.
bool is_heavy(const Cell& cell, const Stage& stage) {
  return cell.rate >= 100 && (cell.loss < 5 || (cell.loss < 20 && stage.congestion == "bbr"));
}

// What new network namespaces get.
std::string congestion_of_the_kernel() {
  std::ifstream file("/proc/sys/net/ipv4/tcp_congestion_control");
  std::string name;
  file >> name;
  return name;
}

// A report that several threads write to.
class Board {
 public:
  void tell(const std::string& line) {
    const std::lock_guard lock(mutex_);
    std::cerr << line << std::endl;
    report_.note(line);
  }
  template <typename F>
  void judge(F with) {
    const std::lock_guard lock(mutex_);
    with(report_);
  }
  Report take() { return std::move(report_); }

 private:
  std::mutex mutex_;
  Report report_{"network"};
};

std::string line_of(const CellResult& r) {
  char line[256];
  auto percent = [&r](double rate) { return 100 * r.share(rate); };
  std::snprintf(line, sizeof(line),
                "%2d %% %3d ms %3d Mb/s %6llu KB  down %6.2f Mb/s %5.1f %% (TCP %5.1f)  up %6.2f "
                "Mb/s %5.1f %% (TCP %5.1f) %6.1f s %2zu reconnects  %s",
                r.cell.loss, r.cell.rtt, r.cell.rate,
                static_cast<unsigned long long>(r.model_bytes >> 10), r.atoll.down * 8e-6,
                percent(r.atoll.down), percent(r.plain.down), r.atoll.up * 8e-6,
                percent(r.atoll.up), percent(r.plain.up), r.seconds, r.reconnects,
                r.problem.empty() ? "complete, equal" : r.problem.c_str());
  return line;
}

// Plays the cells, and keeps the results in their order.
Result<std::vector<CellResult>> play_cells(const Stage& stage, References& references,
                                           const std::vector<Cell>& cells, milliseconds aim,
                                           Board& board) {
  std::vector<CellResult> results(cells.size());
  std::mutex mutex;
  Status first_error;
  auto play = [&](size_t i) {
    // Random losses make short transfers uneven.
    auto result = play_cell(stage, references, cells[i], cells[i].loss == 5 ? 2 * aim : aim);
    const std::lock_guard lock(mutex);
    if (!result) {
      if (first_error)
        first_error = std::move(result).error().wrap("cannot play " + cells[i].name());
      return;
    }
    results[i] = std::move(*result);
    board.tell(line_of(results[i]));
  };
  std::vector<size_t> light;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (is_heavy(cells[i], stage))
      play(i);
    else
      light.push_back(i);
  }
  // The slowest first.
  std::stable_sort(light.begin(), light.end(),
                   [&](size_t a, size_t b) { return cells[a].loss > cells[b].loss; });
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < std::min(kSideBySide, light.size()); ++t)
    threads.emplace_back([&] {
      for (size_t i; (i = next++) < light.size();) play(light[i]);
    });
  for (auto& thread : threads) thread.join();
  ATOLL_TRY(first_error);
  return results;
}

void judge_cells(Report& report, const std::vector<CellResult>& results, Enforce timing) {
  double complete = 0;
  for (const auto& r : results) {
    complete += r.problem.empty();
    const bool gentle = r.cell.rtt == 50 && r.cell.rate == 100;
    if (gentle && r.cell.loss == 0) {
      report.at_least("share_of_link_down", r.share(r.atoll.down), 0.85, timing);
      report.at_least("share_of_link_up", r.share(r.atoll.up), 0.85, timing);
    }
    if (gentle && r.cell.loss == 5) {
      report.at_least("over_tcp_at_5_percent_down", r.atoll.down / r.plain.down, 0.70, timing);
      report.at_least("over_tcp_at_5_percent_up", r.atoll.up / r.plain.up, 0.70, timing);
    }
  }
  report.at_least("cells_complete_and_equal", complete, static_cast<double>(results.size()),
                  Enforce::kHard);
}

std::string line_of(const Scene& scene, const SceneResult& r) {
  char line[256], moved[32] = "";
  if (r.moved > 0) std::snprintf(moved, sizeof(moved), "%.2f of the model moved", r.moved);
  std::snprintf(line, sizeof(line),
                "%-44s %6.1f s (%5.1f allowed) %2zu reconnects %3zu forgotten  %-23s  %s",
                scene.name.c_str(), r.seconds, scene.allowed, r.reconnects, r.forgotten, moved,
                r.problem.empty() ? "complete, equal" : r.problem.c_str());
  return line;
}

Status play_scenes(Board& board, const Stage& stage, References& references, bool short_form) {
  const auto all = scenes(short_form);
  std::vector<std::thread> threads;
  std::mutex mutex;
  Status first_error;
  double complete = 0, in_time = 0, most_moved = 0;
  for (const auto& scene : all) {
    threads.emplace_back([&] {
      auto result = scene.play(stage, references);
      const std::lock_guard lock(mutex);
      if (!result) {
        if (first_error) first_error = std::move(result).error().wrap("cannot play " + scene.name);
        return;
      }
      complete += result->problem.empty();
      in_time += result->seconds <= scene.allowed;
      if (scene.is_cut) most_moved = std::max(most_moved, result->moved);
      board.tell(line_of(scene, *result));
    });
  }
  for (auto& thread : threads) thread.join();
  ATOLL_TRY(first_error);
  const auto count = static_cast<double>(all.size());
  board.judge([&](Report& report) {
    report.at_least("scenes_complete_and_equal", complete, count, Enforce::kHard);
    report.at_least("scenes_that_cost_one_wait_at_most", in_time, count,
                    short_form ? Enforce::kShownOnly : Enforce::kHard);
    report.at_most("bytes_moved_over_model", most_moved, 1.5, Enforce::kHard);
  });
  return {};
}

// In the short form the waits are a tenth of the product's.
FramePace pace_of(bool short_form) {
  FramePace pace;
  if (!short_form) return pace;
  for (auto* wait : {&pace.patience, &pace.certificate, &pace.poll, &pace.heartbeat,
                     &pace.bye_within, &pace.training})
    *wait /= 10;
  return pace;
}

// All runs side by side: they wait most of the time.
Status lose_frames(Board& board, const std::string& scratch, bool short_form) {
  const auto pace = pace_of(short_form);
  constexpr auto kLimit = std::chrono::minutes(3);
  constexpr double kUneven = 1.0;  // seconds, of this machine
  ATOLL_ASSIGN(const auto undisturbed,
               run_without(std::nullopt, scratch + "/undisturbed", pace, kLimit));
  if (!undisturbed.problem.empty())
    return Error(ErrorCode::kInternal, "the undisturbed run: " + undisturbed.problem);
  std::vector<LostFrame> frames;
  double unseen = 0;
  // The server waits 35 s for who has not said bye.
  const size_t bye = wire::Message(wire::Bye{}).index();
  for (size_t kind = 0; kind < Losing::kinds().size(); ++kind) {
    for (size_t number = 1; number <= undisturbed.counts[kind] && !(short_form && kind == bye);
         ++number)
      frames.push_back({kind, number});
    if (undisturbed.counts[kind] > 0) continue;
    ++unseen;
    board.tell(Losing::kinds()[kind] + " never passes: nobody has tried to lose it");
  }
  // The last one is undisturbed too: how long that takes beside all the others.
  std::vector<std::optional<Result<FrameRun>>> runs(frames.size() + 1);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < runs.size(); ++i)
    threads.emplace_back([&, i] {
      const auto lost = i < frames.size() ? std::optional(frames[i]) : std::nullopt;
      runs[i].emplace(run_without(lost, scratch + "/frame-" + std::to_string(i), pace, kLimit));
    });
  for (auto& thread : threads) thread.join();
  if (!*runs.back()) return std::move(*runs.back()).error();
  const double usual = (*runs.back())->seconds;
  double good = 0, in_time = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    auto& result = *runs[i];
    if (!result) return std::move(result).error().wrap("cannot lose " + frames[i].name());
    const double cost = result->seconds - usual;
    const double allowed = allowed_cost(frames[i], pace);
    const bool lost = result->counts[frames[i].kind] >= frames[i].number;
    if (result->problem.empty() && !lost) result->problem = "it was not lost";
    if (result->problem.empty() && result->model != undisturbed.model)
      result->problem = "the model is " + result->model;
    good += result->problem.empty();
    in_time += cost <= allowed + kUneven;
    char line[256];
    std::snprintf(line, sizeof(line), "%-12s lost: %5.1f s more, %4.1f allowed  %s",
                  frames[i].name().c_str(), cost, allowed,
                  result->problem.empty() ? "complete, equal" : result->problem.c_str());
    board.tell(line);
  }
  const auto count = static_cast<double>(frames.size());
  board.judge([&](Report& report) {
    report.figure("frames_lost", count, "one in each run");
    report.at_most("kinds_never_lost", unseen, 0, Enforce::kHard);
    report.at_least("frame_runs_complete_and_equal", good, count, Enforce::kHard);
    report.at_least("frames_that_cost_one_wait_at_most", in_time, count,
                    short_form ? Enforce::kShownOnly : Enforce::kHard);
  });
  return {};
}

std::vector<Cell> cells_of(const Options& options, bool short_form) {
  if (short_form) return {{0, 50, 100}, {1, 200, 10}, {5, 50, 10}, {20, 0, 10}};
  std::vector<Cell> cells;
  for (const int loss : options.loss)
    for (const int rtt : options.rtt)
      for (const int rate : options.rate) cells.push_back({loss, rtt, rate});
  return cells;
}

Result<Report> run_network(const Options& options, const Settings& settings) {
  Stage stage;
  ATOLL_ASSIGN(stage.server, find_program(options.server, "atoll-server"));
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 2ull << 30));
  stage.scratch = scratch.path();
  stage.congestion = options.congestion.empty() ? congestion_of_the_kernel() : options.congestion;
  stage.seed = options.seed;
  const bool brief = settings.short_form;
  References references(stage);
  Board board;
  auto frames = [&] { return lose_frames(board, stage.scratch, brief); };
  auto played = [&] { return play_scenes(board, stage, references, brief); };
  auto cells = [&]() -> Status {
    const milliseconds aim(brief ? 1000 : 6000);
    ATOLL_ASSIGN(const auto results,
                 play_cells(stage, references, cells_of(options, brief), aim, board));
    board.judge([&](Report& report) {
      judge_cells(report, results, brief ? Enforce::kShownOnly : Enforce::kHard);
    });
    return {};
  };

  LinkPlan plan;
  plan.congestion = options.congestion;
  auto link = EmulatedLink::make(plan);
  if (!link && options.only != "frames") {
    if (!options.only.empty()) return std::move(link).error();
    board.tell("cells and scenes are not played: " + link.error().message());
  }
  std::vector<std::function<Status()>> parts;
  if (options.only.empty() || options.only == "frames") parts.push_back(frames);
  if (link && (options.only.empty() || options.only == "scenes")) parts.push_back(played);
  if (link && (options.only.empty() || options.only == "cells")) parts.push_back(cells);
  // The short form's figures are shown only, and most of its time is waiting.
  std::vector<std::future<Status>> under_way;
  for (const auto& part : parts) {
    under_way.push_back(std::async(std::launch::async, part));
    if (!brief) under_way.back().wait();
  }
  Status outcome;
  for (auto& part : under_way) {
    auto ended = part.get();
    if (outcome) outcome = std::move(ended);
  }
  ATOLL_TRY(outcome);
  if (!link || options.only == "frames") return board.take();
  board.judge([&](Report& report) {
    report.note(
        "cells: 2 clients, 2 rounds, mutual TLS; the server and the clients in network namespaces "
        "with an emulated link between them. RTT as ping prints it, loss in each direction, "
        "goodput of model bytes over the link's rate; TCP: two plain streams of the same bytes "
        "through the same cell, before and after. Congestion control: " +
        stage.congestion + ".");
  });
  return board.take();
}

}  // namespace

Benchmark network_benchmark() {
  Benchmark row;
  row.name = "network";
  row.help = "loss, delay, slow links, cuts, a forgetful NAT, every control message lost once";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--only", options->only, "cells, scenes or frames: this part alone")
        ->check(CLI::IsMember({"cells", "scenes", "frames"}));
    app.add_option("--loss", options->loss, "packets lost in each direction, percent")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(0, 50));
    app.add_option("--rtt", options->rtt, "round trip that the link adds, ms")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(0, 2000));
    app.add_option("--rate", options->rate, "the link's rate, Mb/s")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--congestion", options->congestion,
                   "TCP congestion control of both sides; the kernel's default otherwise");
    app.add_option("--seed", options->seed, "of the packets that are lost")->capture_default_str();
    app.add_option("--server", options->server, "the server's program; beside this one by default");
    app.add_option("--scratch", options->scratch, "folder for the federations");
    return [options](const Settings& settings) { return run_network(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
