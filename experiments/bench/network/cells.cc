#include "experiments/bench/network/cells.h"

#include <algorithm>
#include <bit>

#include "experiments/bench/network/plain_tcp.h"

namespace atl::bench {
namespace {

constexpr uint64_t kLeastModel = 16 << 10, kMostModel = 32 << 20;
constexpr auto kProbe = std::chrono::seconds(4);
constexpr auto kPlainLimit = std::chrono::seconds(30);

// Models are powers of two, so that few references are needed.
uint64_t fit_model(double rate, std::chrono::milliseconds aim) {
  const double bytes = rate * static_cast<double>(aim.count()) / 1000 / kCellClients;
  const auto whole = static_cast<uint64_t>(std::max(1.0, bytes));
  return std::clamp(std::bit_floor(whole), kLeastModel, kMostModel);
}

// All rounds' transfers together; the initial model, round 0, warms the connection up.
double rate_of(const std::map<uint32_t, Transfer>& transfers, uint64_t model_bytes) {
  double seconds = 0, bytes = 0;
  for (const auto& [round, transfer] : transfers) {
    if (round == 0) continue;
    seconds += transfer.seconds();
    bytes += static_cast<double>(kCellClients * model_bytes);
  }
  return seconds > 0 ? bytes / seconds : 0;
}

// Down and up with the cell's bytes, added to what was measured before.
Status measure_plain(const EmulatedLink& link, uint64_t model_bytes, PlainTcp& down, PlainTcp& up) {
  for (auto [direction, sum] : {std::pair(Direction::kDown, &down), {Direction::kUp, &up}}) {
    ATOLL_ASSIGN(const auto one,
                 run_plain_tcp(link, direction, kCellClients, model_bytes, kPlainLimit));
    sum->bytes += one.bytes;
    sum->seconds += one.seconds;
  }
  return {};
}

}  // namespace

std::string Cell::name() const {
  return std::to_string(loss) + " % " + std::to_string(rtt) + " ms " + std::to_string(rate) +
         " Mb/s";
}

Result<std::string> References::of(size_t clients, uint32_t rounds, uint64_t model_bytes) {
  const std::lock_guard lock(mutex_);
  auto& known = known_[{clients, rounds, model_bytes}];
  if (!known.empty()) return known;
  FederationPlan plan;
  plan.server = stage_.server;
  plan.folder = stage_.scratch + "/reference";
  plan.clients = clients;
  plan.rounds = rounds;
  plan.model_bytes = model_bytes;
  ATOLL_ASSIGN(auto federation, LinkedFederation::make(std::move(plan), nullptr));
  ATOLL_ASSIGN(const auto outcome, federation->run());
  if (!outcome.problem.empty())
    return Error(ErrorCode::kInternal, "the undisturbed run: " + outcome.problem);
  return known = outcome.model;
}

Result<CellResult> play_cell(const Stage& stage, References& references, const Cell& cell,
                             std::chrono::milliseconds aim) {
  CellResult result;
  result.cell = cell;
  LinkPlan link_plan;
  link_plan.weather = cell.weather();
  link_plan.seed = stage.seed;
  link_plan.congestion = stage.congestion;
  ATOLL_ASSIGN(const auto link, EmulatedLink::make(link_plan));
  constexpr uint64_t kEndless = 1ull << 40;
  ATOLL_ASSIGN(const auto probe, run_plain_tcp(*link, Direction::kDown, kCellClients, kEndless,
                                               std::min<std::chrono::milliseconds>(kProbe, aim)));
  result.model_bytes = fit_model(probe.rate(), aim);
  ATOLL_ASSIGN(const auto expected, references.of(kCellClients, kCellRounds, result.model_bytes));

  PlainTcp plain_down, plain_up;
  ATOLL_TRY(measure_plain(*link, result.model_bytes, plain_down, plain_up));
  FederationPlan plan;
  plan.server = stage.server;
  plan.folder = stage.scratch + "/" + std::to_string(cell.loss) + "-" + std::to_string(cell.rtt) +
                "-" + std::to_string(cell.rate);
  plan.clients = kCellClients;
  plan.rounds = kCellRounds;
  plan.model_bytes = result.model_bytes;
  ATOLL_ASSIGN(auto federation, LinkedFederation::make(std::move(plan), link.get()));
  ATOLL_ASSIGN(const auto outcome, federation->run());
  ATOLL_TRY(measure_plain(*link, result.model_bytes, plain_down, plain_up));

  result.problem = outcome.problem;
  if (result.problem.empty() && outcome.model != expected)
    result.problem = "the model is " + outcome.model;
  result.seconds = outcome.seconds;
  result.reconnects = outcome.reconnects;
  result.atoll = {rate_of(outcome.down, result.model_bytes),
                  rate_of(outcome.up, result.model_bytes)};
  result.plain = {plain_down.rate(), plain_up.rate()};
  return result;
}

}  // namespace atl::bench
