// The address where a run is watched: what it tells, to whom, and at what cost.
#include "server/watch/watch_server.h"

#include <httplib.h>

#include <asio/post.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "server/metrics/events.h"
#include "server/metrics/status.h"
#include "server/watch/board.h"
#include "server/watch/exposition.h"
#include "server/watch/gate.h"
#include "server/watch/health.h"
#include "server/watch/page.h"
#include "tests/support/federation.h"

namespace atl {
namespace {

using nlohmann::json;
using server::Board;
using server::Gate;
using server::WatchRequest;
using server::WatchServer;
using testing::config_of;
using testing::Federation;
using testing::TemporaryFolder;

// Clients that train only once they are told to.
struct Held {
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  testing::ScriptedTrainer::Step step(float amount, uint64_t examples) {
    return [gone = gone, inner = testing::add_amount(amount, examples)](
               const client::Task& task, std::span<float> model) -> Result<client::TrainReport> {
      if (task.round == 2) gone.wait();
      return inner(task, model);
    };
  }
};

// A run of three rounds that stands still in its second one until finish().
class Watch : public ::testing::Test {
 protected:
  Watch() : federation_(config_of(3, 2)) {
    federation_.add({"a", 30, 100, held_.step(1, 30)});
    federation_.add({"b", 10, 0, held_.step(5, 10)});
    auto started =
        WatchServer::start({.address = "127.0.0.1:0"}, {}, federation_.server().context());
    watch_ = std::move(started).value();
    const auto url = watch_->url();
    client_ = std::make_unique<httplib::Client>(url.substr(0, url.size() - 1));
    client_->set_read_timeout(std::chrono::seconds(20));
    running_ = std::thread([this] { outcome_ = federation_.run(); });
  }
  ~Watch() override { finish(); }

  void finish() {
    if (!running_.joinable()) return;
    held_.go.set_value();
    running_.join();
    EXPECT_TRUE(outcome_.ok());
  }
  httplib::Result get(const std::string& path, const httplib::Headers& headers = {}) {
    auto answer = client_->Get(path, headers);
    EXPECT_TRUE(answer) << path;
    return answer;
  }
  json ask(const std::string& path) {
    const auto answer = get(path);
    EXPECT_EQ(answer->status, 200) << path << " " << answer->body;
    return json::parse(answer->body);
  }
  // Until the second round has begun and both clients have it.
  void wait_for_round_two() {
    for (;;) {
      const auto cohort = ask("/api/v1/cohort");
      if (cohort.is_object() && cohort["round"] == 2 && cohort["clients"].size() == 2 &&
          cohort["clients"][0]["entered"].contains("fetching") &&
          cohort["clients"][1]["entered"].contains("fetching"))
        return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  Held held_;
  Federation federation_;
  std::unique_ptr<WatchServer> watch_;
  std::unique_ptr<httplib::Client> client_;
  Status outcome_;
  std::thread running_;
};

TEST_F(Watch, TellsWhereTheRunStands) {
  wait_for_round_two();
  const auto status = ask("/api/v1/status");
  EXPECT_EQ(status["state"], "running");
  EXPECT_EQ(status["round"], 1);
  EXPECT_EQ(status["rounds"], 3);
  EXPECT_EQ(status["clients"].size(), 2u);
  const auto clients = ask("/api/v1/clients");
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients[0]["name"], "a");
  EXPECT_EQ(clients[0]["connected"], true);
  EXPECT_EQ(clients[0]["updates"], 1);
  EXPECT_EQ(clients[0]["round"], 1);
  EXPECT_EQ(clients[0]["train_loss"], 1.0);
  EXPECT_GT(clients[0]["bytes_up"].get<uint64_t>(), 0u);
  EXPECT_FALSE(clients[0]["phase"].is_null());
  const auto cohort = ask("/api/v1/cohort");
  double before = 0;
  for (const char* phase : {"waiting", "fetching"}) {
    const double at = cohort["clients"][0]["entered"][phase];
    EXPECT_GE(at, before) << phase;
    before = at;
  }
  EXPECT_GE(cohort["seconds"].get<double>(), before);
  EXPECT_EQ(get("/api/v1/config")->body, server::to_toml(config_of(3, 2)));
  EXPECT_EQ(get("/healthz")->status, 200);
}

TEST_F(Watch, EventsAreTheLinesOfTheMetricsFile) {
  wait_for_round_two();
  std::string told;
  uint64_t next = 0;
  for (;;) {
    const auto answer = ask("/api/v1/events?from=" + std::to_string(next));
    for (const auto& event : answer["events"]) told += event.dump() + "\n";
    if (answer["next"] == next) break;
    next = answer["next"];
  }
  std::string written;
  std::istringstream lines(federation_.metrics());
  for (std::string line; std::getline(lines, line);) written += json::parse(line).dump() + "\n";
  EXPECT_FALSE(written.empty());
  EXPECT_EQ(told, written);
  EXPECT_EQ(next, federation_.metrics().size());
  for (const std::string from : {"1", "-1", "x", "", "99999999", "18446744073709551616"})
    EXPECT_EQ(get("/api/v1/events?from=" + from)->status, 400) << from;
}

TEST_F(Watch, NothingElseIsThere) {
  for (const char* path :
       {"/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/server.toml", "/page.js/../identity",
        "/identity/authority.key", "/api/v1/", "/api/v2/status", "//etc/passwd", "/metrics.jsonl",
        "/.git/config", "/page.css%00.html"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer->status, 404) << path << " " << answer->body;
  }
  EXPECT_EQ(client_->Post("/api/v1/status", "{}", "application/json")->status, 404);
  EXPECT_EQ(client_->Delete("/")->status, 404);
}

TEST_F(Watch, ThePageNeedsNobodyElse) {
  const auto page = get("/");
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->get_header_value("Content-Type"), "text/html; charset=utf-8");
  const auto policy = page->get_header_value("Content-Security-Policy");
  EXPECT_EQ(policy.rfind("default-src 'none';", 0), 0u);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  for (const auto& file : server::page_files()) {
    const auto answer = get(std::string(file.path));
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, file.content);
    if (file.path == "/chart.js") continue;  // names its project's home in a comment
    for (const char* other : {"http://", "https://", "//cdn"}) {
      auto at = answer->body.find(other);
      if (at != std::string::npos && answer->body.substr(at, 24) == "http://www.w3.org/2000/s")
        at = answer->body.find(other, at + 1);  // the name of SVG
      EXPECT_EQ(at, std::string::npos) << file.path << " " << other;
    }
  }
}

TEST_F(Watch, AnotherOriginIsRefused) {
  EXPECT_EQ(get("/api/v1/status", {{"Origin", "https://evil.example"}})->status, 403);
  EXPECT_EQ(get("/api/v1/status", {{"Sec-Fetch-Site", "cross-site"}})->status, 403);
  EXPECT_EQ(get("/api/v1/status", {{"Host", "evil.example"}})->status, 403);
  const auto own = watch_->url().substr(0, watch_->url().size() - 1);
  EXPECT_EQ(get("/api/v1/status", {{"Origin", own}})->status, 200);
}

TEST_F(Watch, AHealthCheckFailsWhenTheRoundLoopIsGone) {
  EXPECT_EQ(get("/healthz")->status, 200);
  std::promise<void> go;
  asio::post(federation_.io(), [&go] { go.get_future().wait(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // what is known is no longer fresh
  EXPECT_EQ(get("/healthz")->status, 503);
  go.set_value();
  EXPECT_EQ(get("/healthz")->status, 200);
}

// Clients come and go while the run waits for space: it waits all the same.
TEST_F(Watch, APausedRunStaysPausedUntilItGoesOn) {
  wait_for_round_two();
  auto& context = federation_.server().context();
  const auto on_the_loop = [&](const std::function<void()>& what) {
    const auto then = [&] {
      what();
      return json::parse(server::status_json(context))["state"].get<std::string>();
    };
    return asio::post(federation_.io(), asio::use_future(then)).get();
  };
  EXPECT_EQ(on_the_loop([&] { server::emit_paused(context, "the disk is full"); }), "paused");
  EXPECT_EQ(on_the_loop([&] { server::emit_clients(context); }), "paused");
  EXPECT_EQ(on_the_loop([&] { server::emit_progress(context); }), "paused");
  EXPECT_EQ(on_the_loop([&] { server::emit_resumed(context); }), "running");
  finish();
  EXPECT_EQ(std::string(context.state()), "finished");
}

// Every sample belongs to a family that was announced, once; histograms add up.
TEST_F(Watch, MetricsAreWhatPrometheusReads) {
  wait_for_round_two();
  const auto answer = get("/metrics");
  EXPECT_EQ(answer->get_header_value("Content-Type").rfind("text/plain; version=0.0.4", 0), 0u);
  std::map<std::string, std::string> values, types;
  std::istringstream lines(answer->body);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, second, third;
    if (line.rfind("# TYPE ", 0) == 0) {
      words >> first >> second >> first >> third;
      EXPECT_TRUE(types.emplace(first, third).second) << line;
      continue;
    }
    if (line.rfind("# HELP ", 0) == 0) continue;
    const auto space = line.rfind(' ');
    const auto sample = line.substr(0, space);
    EXPECT_TRUE(values.emplace(sample, line.substr(space + 1)).second) << line;
    auto name = sample.substr(0, sample.find('{'));
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
      if (!types.contains(name) && name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    EXPECT_TRUE(types.contains(name)) << line;
    EXPECT_EQ(types[name] == "counter", name.ends_with("_total")) << line;
  }
  EXPECT_EQ(values["atoll_round"], "1");
  EXPECT_EQ(values["atoll_rounds_committed_total"], "1");
  EXPECT_EQ(values["atoll_updates_accepted_total"], "2");
  EXPECT_EQ(values["atoll_connected_clients"], "2");
  EXPECT_EQ(values["atoll_round_duration_seconds_count"], "1");
  EXPECT_EQ(values["atoll_round_duration_seconds_bucket{le=\"+Inf\"}"], "1");
  EXPECT_EQ(values["atoll_upload_duration_seconds_count"], "2");
  EXPECT_EQ(values["atoll_aggregation_duration_seconds_count"], "2");  // round 0's model as well
  EXPECT_EQ(values["atoll_run_state{state=\"running\"}"], "1");
  EXPECT_EQ(values["atoll_client_connected{client=\"a\"}"], "1");
  EXPECT_EQ(values["atoll_client_updates_total{client=\"a\"}"], "1");
}

TEST_F(Watch, ClientsBeyondTheLimitHaveNoLabels) {
  wait_for_round_two();
  std::promise<std::string> made;
  asio::post(federation_.io(),
             [&] { made.set_value(server::exposition(federation_.server().context(), 1)); });
  const auto text = made.get_future().get();
  EXPECT_NE(text.find("atoll_client_connected{client=\"a\"}"), std::string::npos);
  EXPECT_EQ(text.find("client=\"b"), std::string::npos);
  EXPECT_NE(text.find("atoll_clients_unlabelled 1\n"), std::string::npos);
}

TEST_F(Watch, TellsWhetherItIsWell) {
  const TemporaryFolder folder;
  const server::ServerFolder server{folder.path()};
  const auto nothing = server::ask_health(server);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code(), ErrorCode::kNetwork);
  ASSERT_TRUE(write_atomic(server.watch(), watch_->url() + "\n").ok());
  const auto well = server::ask_health(server);
  ASSERT_TRUE(well.ok()) << well.error().message();
  EXPECT_EQ(*well, "{\"state\":\"running\"}\n");
  // What a server that was killed leaves behind.
  finish();
  watch_.reset();
  const auto gone = server::ask_health(server);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), ErrorCode::kNetwork) << gone.error().message();
}

TEST(WatchAddress, ATakenPortHasItsOwnCode) {
  Federation first(config_of(1, 1)), second(config_of(1, 1));
  auto one = WatchServer::start({.address = "127.0.0.1:0"}, {}, first.server().context());
  ASSERT_TRUE(one.ok()) << one.error().message();
  const auto url = (*one)->url();
  const auto address = url.substr(7, url.size() - 8);
  auto two = WatchServer::start({.address = address}, {}, second.server().context());
  ASSERT_FALSE(two.ok());
  EXPECT_EQ(two.error().code(), ErrorCode::kAddressInUse) << two.error().message();
}

// A hundred askers cost as much as one.
TEST(WatchBoard, IsMadeOnceForAllWhoAskTogether) {
  asio::io_context io;
  auto work = asio::make_work_guard(io);
  std::thread runner([&io] { io.run(); });
  std::atomic<int> made{0};
  auto board =
      std::make_shared<Board>(io.get_executor(), [&made] { return std::to_string(++made); });
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> askers;
  std::atomic<int> answered{0};
  for (int i = 0; i < 20; ++i) {
    askers.emplace_back([&] {
      for (int k = 0; k < 200; ++k) answered += board->get() != nullptr;
    });
  }
  for (auto& asker : askers) asker.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  EXPECT_EQ(answered, 20 * 200);
  EXPECT_LE(made, 2 + static_cast<int>(took.count() / 0.25));
  EXPECT_GE(made, 1);
  work.reset();
  io.stop();
  runner.join();
}

TEST(WatchBoard, AClosedOneLetsEverybodyGo) {
  asio::io_context io;  // which nobody runs
  auto board = std::make_shared<Board>(io.get_executor(), [] { return std::string("never"); });
  std::thread asker([&board] { EXPECT_EQ(board->get(), nullptr); });
  board->close();
  asker.join();
  EXPECT_EQ(board->get(), nullptr);
}

TEST(WatchGate, OnLoopbackAsksForALocalName) {
  const Gate gate;
  for (const char* host : {"localhost:7071", "127.0.0.1:7071", "[::1]:7071", "localhost"})
    EXPECT_FALSE(gate.examine({.host = host})) << host;
  for (const char* host :
       {"", "evil.example:7071", "localhost.evil.example", "127.evil.example:7071"})
    EXPECT_TRUE(gate.examine({.host = host})) << host;
}

TEST(WatchGate, ElsewhereAsksForTheToken) {
  TemporaryFolder folder;
  const auto file = folder.path() + "/token";
  const auto gate = Gate::open(file).value();
  const auto text = read_text(file).value();
  const auto token = text.substr(0, text.size() - 1);
  EXPECT_EQ(token.size(), 48u);
  EXPECT_EQ(gate.cookie(), "atoll_watch=" + token);
  const std::string host = "server.example:7071";
  EXPECT_FALSE(gate.examine({.host = host, .authorization = "Bearer " + token}));
  EXPECT_FALSE(gate.examine({.host = host, .token = token}));
  EXPECT_FALSE(gate.examine({.host = host, .cookie = "a=1; atoll_watch=" + token + "; b=2"}));
  const auto nothing = gate.examine({.host = host});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->status, 401);
  EXPECT_FALSE(nothing->bad_token);
  auto wrong = token;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const auto& shown : {wrong, token + "0", token.substr(1), std::string("x")}) {
    const auto refused = gate.examine({.host = host, .token = shown});
    ASSERT_TRUE(refused) << shown;
    EXPECT_EQ(refused->status, 401);
    EXPECT_TRUE(refused->bad_token);
  }
  // Not even with the token.
  EXPECT_EQ(gate.examine({.host = host, .origin = "https://evil.example", .token = token})->status,
            403);
  EXPECT_EQ(Gate::open(file).value().cookie(), gate.cookie());
}

}  // namespace
}  // namespace atl
