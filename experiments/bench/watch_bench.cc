#include "experiments/bench/watch_bench.h"

#include <httplib.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/core/file.h"
#include "experiments/bench/scene.h"
#include "experiments/bench/scratch.h"

namespace atl::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kClients = 8;
constexpr uint32_t kEndless = 1'000'000;  // rounds: the run is ended when enough was seen

struct Options {
  size_t pages = 100;
  uint32_t pairs = 8;
  double seconds = 4;  // of a block
  std::string server, scratch;
};

// Pages that ask as server/watch/page/page.js does: four texts and the new events, once a second.
class Pages {
 public:
  Pages(const std::string& url, size_t count) : url_(url.substr(0, url.size() - 1)) {
    for (size_t i = 0; i < kThreads; ++i)
      threads_.emplace_back([this, i, count] { look(i, count); });
  }
  ~Pages() {
    over_ = true;
    for (auto& thread : threads_) thread.join();
  }
  void open(bool open) { open_ = open; }
  uint64_t answered() const { return answered_; }
  uint64_t failed() const { return failed_; }

 private:
  static constexpr size_t kThreads = 4;

  void look(size_t first, size_t count) {
    httplib::Client client(url_);
    client.set_read_timeout(std::chrono::seconds(5));
    std::vector<uint64_t> next(count);
    while (!over_) {
      const auto begun = Clock::now();
      for (size_t page = first; page < count && open_ && !over_; page += kThreads) {
        for (const std::string path : {"status", "cohort", "clients"}) ask(client, path);
        const auto events = ask(client, "events?from=" + std::to_string(next[page]));
        next[page] = nlohmann::json::parse(events, nullptr, false).value("next", next[page]);
      }
      std::this_thread::sleep_until(begun + std::chrono::seconds(1));
    }
  }
  std::string ask(httplib::Client& client, const std::string& path) {
    const auto answer = client.Get("/api/v1/" + path);
    const bool good = answer && answer->status == 200;
    ++(good ? answered_ : failed_);
    return good ? answer->body : "{}";
  }

  std::string url_;
  std::atomic<bool> open_{false}, over_{false};
  std::atomic<uint64_t> answered_{0}, failed_{0};
  std::vector<std::thread> threads_;
};

// Where the server stood: its rounds, and its round loop's processor time.
struct Moment {
  double round = 0, cpu = 0;
  Clock::time_point at;
};
Result<Moment> look_at(const Scene& scene) {
  ATOLL_ASSIGN(const auto text, read_text(scene.folder + "/run/status.json"));
  Moment moment;
  moment.round = nlohmann::json::parse(text, nullptr, false).value("round", 0.0);
  moment.cpu = scene.server->first_thread_cpu();
  moment.at = Clock::now();
  return moment;
}

struct Block {
  double cpu_per_round = 0, seconds_per_round = 0;
};
Result<Block> watch_block(const Scene& scene, Pages& pages, bool open, double seconds) {
  pages.open(open);
  // What is under way of the block before is not of this one.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  ATOLL_ASSIGN(const auto from, look_at(scene));
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  ATOLL_ASSIGN(const auto to, look_at(scene));
  const double rounds = to.round - from.round;
  if (rounds < 1) return Error(ErrorCode::kInternal, "no round was closed in a block");
  return Block{(to.cpu - from.cpu) / rounds,
               std::chrono::duration<double>(to.at - from.at).count() / rounds};
}

Result<Report> run_watch(Options options, const Settings& settings) {
  if (settings.short_form) options.pairs = 3, options.seconds = 1.5;
  ATOLL_ASSIGN(const auto program, find_program(options.server, "atoll-server"));
  ATOLL_ASSIGN(const auto scratch, Scratch::make(options.scratch, 256u << 20));
  ATOLL_ASSIGN(auto scene, begin_scene(program, scratch.path() + "/watch", kClients, kEndless,
                                       "[watch]\naddress = \"127.0.0.1:0\"\n"));
  ATOLL_ASSIGN(auto url, read_text(scene.folder + "/watch"));
  while (!url.empty() && url.back() == '\n') url.pop_back();
  Sample cpu_alone, cpu_watched, cpu_ratio, round_ratio;
  uint64_t answered = 0, failed = 0;
  Status seen;
  std::thread watcher([&] {
    Pages pages(url, options.pages);
    seen = [&]() -> Status {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      for (uint32_t pair = 0; pair < options.pairs; ++pair) {
        // In turn first and second, so that what drifts falls on both alike.
        const bool first = pair % 2 == 1;
        Block blocks[2];
        for (const bool open : {first, !first}) {
          ATOLL_ASSIGN(blocks[open], watch_block(scene, pages, open, options.seconds));
        }
        cpu_alone.add(1e6 * blocks[0].cpu_per_round);
        cpu_watched.add(1e6 * blocks[1].cpu_per_round);
        cpu_ratio.add(blocks[1].cpu_per_round / blocks[0].cpu_per_round);
        round_ratio.add(blocks[1].seconds_per_round / blocks[0].seconds_per_round);
        std::cerr << "pair " << pair + 1 << " of " << options.pairs << std::endl;
      }
      return {};
    }();
    pages.open(false);
    answered = pages.answered();
    failed = pages.failed();
    *scene.crowd.leave = true;
  });
  auto outcome = run_crowd(scene.crowd);
  watcher.join();
  if (!outcome) return std::move(outcome).error();
  ATOLL_TRY(seen);
  Report report("watch");
  report.figure("pages", static_cast<double>(options.pages), "");
  report.figure("answers", static_cast<double>(answered), "");
  report.figure("loop_cpu_alone", cpu_alone, "us a round");
  report.figure("loop_cpu_watched", cpu_watched, "us a round");
  report.figure("round_time_ratio", round_ratio, "watched over alone");
  report.at_most("loop_cpu_ratio", cpu_ratio.median(), 1.05,
                 settings.short_form ? Enforce::kShownOnly : Enforce::kHard);
  report.at_most("failed", static_cast<double>(failed), 0, Enforce::kHard);
  report.at_least("answered", static_cast<double>(answered), 1, Enforce::kHard);
  report.note(
      "rounds as fast as they go, with 8 clients and a tiny model, on the machine that the pages "
      "are on too; blocks with and without pages in alternation. loop_cpu: of the round loop's "
      "thread; round_time also has what the pages' other threads and their readers take.");
  return report;
}

}  // namespace

Benchmark watch_benchmark() {
  Benchmark row;
  row.name = "watch";
  row.help = "open status pages: what they cost the round loop";
  row.declare = [](CLI::App& app) -> Benchmark::Run {
    auto options = std::make_shared<Options>();
    app.add_option("--pages", options->pages, "pages open at once")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    app.add_option("--pairs", options->pairs, "pairs of blocks, with pages and without")
        ->capture_default_str()
        ->check(CLI::Range(1, 100));
    app.add_option("--server", options->server, "the server's program; beside this one by default");
    app.add_option("--scratch", options->scratch, "folder for the federation");
    return [options](const Settings& settings) { return run_watch(*options, settings); };
  };
  return row;
}

}  // namespace atl::bench
