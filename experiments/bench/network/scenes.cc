#include "experiments/bench/network/scenes.h"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

namespace atl::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Moment = LinkedFederation::Moment;

const Weather kCalm{0, milliseconds(50), 10'000'000};
constexpr uint64_t kModel = 4 << 20;
constexpr double kTransfer = 3.7;                   // seconds, at 10 Mb/s
constexpr double kUndisturbed = 3 * kTransfer + 1;  // two updates, of round 0 too, and a model
// The client's patience and first pause (docs/timeouts.md); and in which TCP and both programs come
// back.
constexpr double kRetry = 20.5, kSlack = 5;
constexpr double kPoll = 15;
constexpr uint64_t kSmallModel = 256 << 10;

// One federation on a link of its own.
struct Act {
  std::unique_ptr<EmulatedLink> link;
  std::unique_ptr<LinkedFederation> federation;
  std::string expected;
};

Result<Act> prepare(const Stage& stage, References& references, const std::string& name,
                    size_t clients, uint32_t rounds, uint64_t model_bytes,
                    std::optional<seconds> nat) {
  Act act;
  ATOLL_ASSIGN(act.expected, references.of(clients, rounds, model_bytes));
  LinkPlan link;
  link.weather = kCalm;
  link.seed = stage.seed;
  link.congestion = stage.congestion;
  link.nat = nat;
  ATOLL_ASSIGN(act.link, EmulatedLink::make(link));
  FederationPlan plan;
  plan.server = stage.server;
  plan.folder = stage.scratch + "/" + name;
  plan.clients = clients;
  plan.rounds = rounds;
  plan.model_bytes = model_bytes;
  ATOLL_ASSIGN(act.federation, LinkedFederation::make(std::move(plan), act.link.get()));
  return act;
}

Result<SceneResult> finish(Act& act) {
  ATOLL_ASSIGN(const auto outcome, act.federation->run());
  SceneResult result;
  result.problem = outcome.problem;
  if (result.problem.empty() && outcome.model != act.expected)
    result.problem = "the model is " + outcome.model;
  result.seconds = outcome.seconds;
  result.reconnects = outcome.reconnects;
  result.forgotten = act.link->traffic().forgotten;
  return result;
}

// Does something once half a transfer has passed, and counts what passes until its end.
class HalfWay {
 public:
  HalfWay(const EmulatedLink& link, Direction direction, uint64_t model_bytes,
          std::function<void()> what)
      : link_(link), direction_(direction), model_bytes_(model_bytes), what_(std::move(what)) {}
  ~HalfWay() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void begin() {
    if (thread_.joinable()) return;  // a second connection
    begun_ = passed();
    thread_ = std::thread([this] {
      while (!over_ && passed() - begun_ < model_bytes_ / 2)
        std::this_thread::sleep_for(milliseconds(2));
      if (!over_) what_();
    });
  }
  void end() {
    moved_ = static_cast<double>(passed() - begun_) / static_cast<double>(model_bytes_);
  }
  double moved() const { return moved_; }

 private:
  uint64_t passed() const {
    const auto traffic = link_.traffic();
    return direction_ == Direction::kDown ? traffic.down.bytes : traffic.up.bytes;
  }
  const EmulatedLink& link_;
  Direction direction_;
  uint64_t model_bytes_, begun_ = 0;
  std::function<void()> what_;
  std::atomic<bool> over_{false};
  std::atomic<double> moved_{0};
  std::thread thread_;
};

// Calls `what` when half of the first round's model or update is through.
Result<SceneResult> disturb_transfer(Act& act, Direction direction, std::function<void()> what) {
  HalfWay half_way(*act.link, direction, kModel, std::move(what));
  const bool down = direction == Direction::kDown;
  act.federation->hook = [&](Moment moment, size_t, uint32_t round) {
    if (round != 1) return;
    if (moment == (down ? Moment::kFetch : Moment::kOffer)) half_way.begin();
    if (moment == (down ? Moment::kModel : Moment::kTaken)) half_way.end();
  };
  ATOLL_ASSIGN(auto result, finish(act));
  result.moved = half_way.moved();
  return result;
}

Scene cut(int time, Direction direction) {
  const std::string way = direction == Direction::kDown ? "download" : "upload";
  const std::string name = "cut of " + std::to_string(time) + " s in mid-" + way;
  auto play = [=](const Stage& stage, References& references) -> Result<SceneResult> {
    ATOLL_ASSIGN(auto act, prepare(stage, references, name, 1, 1, kModel, std::nullopt));
    return disturb_transfer(act, direction, [&act, time] { act.link->cut(seconds(time)); });
  };
  return {name, true, kUndisturbed + time + kRetry + kSlack, play};
}

// One client trains, the other waits for it. A NAT that remembers longer than both heartbeat and
// poll forgets nothing; else the other client waits in vain, and then the first one for it.
Scene nat(int idle, int training) {
  const double allowed = idle > kPoll ? training + 2 * kSlack : 2 * (kRetry + kPoll) + 2 * kSlack;
  const std::string name = "NAT forgets after " + std::to_string(idle) + " s, training takes " +
                           std::to_string(training) + " s";
  auto play = [=](const Stage& stage, References& references) -> Result<SceneResult> {
    ATOLL_ASSIGN(auto act, prepare(stage, references, name, 2, 2, kSmallModel, seconds(idle)));
    act.federation->training = [training](size_t client, uint32_t round) -> milliseconds {
      return client == 0 && round == 1 ? seconds(training) : seconds(0);
    };
    return finish(act);
  };
  return {name, false, allowed, play};
}

// The server is killed, and nothing of its last words, nor of its successor's refusal to go on with
// a connection that it does not know, reaches the client.
Scene vanish(Direction direction) {
  const std::string way = direction == Direction::kDown ? "download" : "upload";
  const std::string name = "server vanishes in mid-" + way + ", without FIN";
  auto play = [=](const Stage& stage, References& references) -> Result<SceneResult> {
    ATOLL_ASSIGN(auto act, prepare(stage, references, name, 1, 1, kModel, seconds(3600)));
    Status restarted;
    ATOLL_ASSIGN(auto result, disturb_transfer(act, direction, [&] {
                   act.link->forget_flows();
                   restarted = act.federation->restart_server([] {});
                 }));
    ATOLL_TRY(restarted);
    return result;
  };
  // What was uploaded is gone with the server.
  return {name, false, kUndisturbed + kTransfer + kRetry + kSlack, play};
}

}  // namespace

std::vector<Scene> scenes(bool short_form) {
  std::vector<Scene> all{cut(5, Direction::kDown), cut(5, Direction::kUp), vanish(Direction::kDown),
                         nat(16, 20)};
  if (short_form) return all;
  for (auto& one : {cut(15, Direction::kDown), cut(15, Direction::kUp), cut(45, Direction::kDown),
                    cut(45, Direction::kUp), vanish(Direction::kUp), nat(5, 12), nat(5, 30)})
    all.push_back(one);
  return all;
}

}  // namespace atl::bench
