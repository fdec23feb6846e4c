#include "server/round_loop.h"

#include <algorithm>
#include <cmath>

#include "common/core/fault.h"
#include "common/core/log.h"
#include "common/net/offload.h"
#include "server/aggregation/reducer.h"
#include "server/metrics/events.h"

namespace atl::server {

using net::awaitable;
using Clock = std::chrono::steady_clock;

namespace {
// A timer that is this late was not merely waiting for its turn.
constexpr auto kFrozen = std::chrono::seconds(2);
// How often a run that waits for space on the disk looks again.
constexpr auto kDiskRetry = std::chrono::seconds(1);

// Counts are integers and clients go by name, so the sums do not depend on who answered first.
wire::Evaluation sum_of_evaluations(const Round& round) {
  wire::Evaluation sum;
  for (const auto& [name, p] : round.participants()) {
    if (p.phase != Phase::kDone || !p.evaluate) continue;
    sum.examples += p.report.before.examples;
    sum.correct += p.report.before.correct;
    sum.loss_sum += p.report.before.loss_sum;
  }
  return sum;
}

std::string in_ms(std::chrono::milliseconds time) { return std::to_string(time.count()) + " ms"; }

Error drained() {
  return Error(ErrorCode::kInterrupted, "the server was drained: no other round begins");
}
}  // namespace

RoundLoop::RoundLoop(Context& context)
    : context_(context), selector_(make_uniform_selector(context.config.seed)) {}

awaitable<Status> RoundLoop::run() {
  if (!context_.store->has_model()) ATOLL_CO_TRY(co_await initial_model());
  // A policy that does not fit the model is told before anyone trains.
  ATOLL_CO_TRY(check_policy());
  while (context_.store->round() < context_.config.rounds) {
    if (context_.draining) co_return drained();
    ATOLL_CO_TRY(co_await one_round(context_.store->round() + 1));
  }
  ATOLL_CO_TRY(co_await last_evaluation());
  context_.finished = true;
  context_.changed.notify();
  emit_finished(context_);
  co_return Status();
}

Status RoundLoop::check_policy() const {
  auto policy = Policy::make(context_.config.policy, context_.store->model()->manifest());
  if (!policy) return std::move(policy).error();
  return {};
}

awaitable<Status> RoundLoop::one_round(uint32_t number) {
  const auto begun = Clock::now();

  // 1. Choose the cohort, and write down who is in it before anybody works.
  ATOLL_CO_ASSIGN(const auto intent, co_await intend(number));

  // 2. Open the round: from here on the clients' sessions hand out the model and take updates in.
  auto round = open(intent);

  // 3. Wait for the updates.
  const bool enough = co_await collect(round);
  context_.round = nullptr;
  context_.flight.note(enough ? flight::State::kRoundClosed : flight::State::kRoundVoid, number,
                       round->trainers(context_.config.progress).done);
  if (!enough) {
    auto give_up = [&] { return context_.store->ledger().give_up(number, intent.attempt); };
    ATOLL_CO_TRY(co_await on_disk(give_up));
    log::warn("server", "round " + std::to_string(number) +
                            " is void: fewer updates than the quorum; it is tried again");
    // Whatever made every client fail at once may need a moment; nothing but time ends this wait.
    net::Event never(context_.executor);
    co_await never.wait_for(std::min(context_.config.poll, std::chrono::milliseconds(1000)));
    co_return Status();
  }

  // 4. Reduce them to the next model, write it, commit it.
  co_return co_await reduce_and_commit(round, intent, begun);
}

// What this round is to be. One that a server before this one began is done as it was meant, by the
// clients that were chosen then: they have the usual time to come back.
awaitable<Result<Intent>> RoundLoop::intend(uint32_t number) {
  auto& ledger = context_.store->ledger();
  ATOLL_CO_ASSIGN(auto unfinished, ledger.unfinished(number));
  Intent intent;
  if (unfinished) {
    intent = std::move(*unfinished);
    log::info("server", "round " + std::to_string(number) +
                            " was interrupted; it goes on with its " +
                            std::to_string(intent.places.size()) + " clients");
  } else {
    ATOLL_CO_ASSIGN(const uint32_t attempt, ledger.next_attempt(number));
    ATOLL_CO_ASSIGN(auto candidates, co_await wait_for_clients());
    const size_t wanted = context_.config.cohort == 0 ? candidates.size() : context_.config.cohort;
    const size_t selected = static_cast<size_t>(
        std::ceil(static_cast<double>(wanted) * (1 + context_.config.over_selection)));
    const auto cohort = selector_->select(candidates, selected, number, attempt);
    intent = Intent{number, attempt, places_for(cohort, true, evaluates(number - 1))};
  }
  ATOLL_CO_TRY(fault::point("intent"));
  auto begin = [&] { return ledger.begin(intent); };
  ATOLL_CO_TRY(co_await on_disk(begin));
  co_return intent;
}

awaitable<Result<std::vector<std::string>>> RoundLoop::wait_for_clients() {
  for (bool said = false;; said = true) {
    if (context_.draining) co_return drained();
    // Who is in quarantine is not waited for, and takes no part.
    const auto& members = context_.registry.members();
    size_t out = 0, away = 0;
    for (const auto& [name, entry] : context_.quarantine.entries()) {
      ++out;
      away += members.count(name) == 0;
    }
    const size_t wanted =
        context_.config.min_clients - std::min<size_t>(out, context_.config.min_clients);
    const size_t least = std::max({size_t{1}, wanted, size_t{context_.config.quorum}});
    auto names = context_.registry.trainers();
    const bool all = members.size() + away >= context_.min_members;
    if (names.size() >= least && all) co_return names;
    if (!said) {
      log::info("server", "waiting for " + std::to_string(least) + " clients with training data; " +
                              std::to_string(names.size()) + " joined");
    }
    co_await context_.changed.wait_for(context_.config.poll);
  }
}

std::vector<Place> RoundLoop::places_for(const std::vector<std::string>& cohort, bool train,
                                         bool evaluate) const {
  std::vector<Place> places;
  const auto& members = context_.registry.members();
  for (const auto& name : cohort) {
    if (train) places.push_back({name, true, evaluate && members.at(name).test_examples > 0});
  }
  // Everyone with test data and nothing to train evaluates; when nobody trains, everyone with test
  // data does.
  for (const auto& [name, member] : members) {
    const bool only_tests = member.train_examples == 0 || !train;
    if (evaluate && only_tests && member.test_examples > 0 && member.session != nullptr)
      places.push_back({name, false, true});
  }
  return places;
}

std::shared_ptr<Round> RoundLoop::open(const Intent& intent) {
  const auto& store = *context_.store;
  wire::Task task{.kind = wire::TaskKind::kWork,
                  .round = intent.round,
                  .total_rounds = context_.config.rounds,
                  .seed = context_.config.seed,
                  .settings = context_.config.train,
                  .model_bytes = store.model()->manifest().total_bytes(),
                  .model_digest = store.transfer_digest()};
  task.settings.roles = rules_for_clients(context_.config.policy, fixed_in(intent.round));
  std::shared_ptr<const Manifest> manifest(store.model(), &store.model()->manifest());
  auto round = std::make_shared<Round>(context_.executor, intent.round, std::move(task),
                                       std::move(manifest));
  for (const auto& place : intent.places) {
    // Of an interrupted round, and put in quarantine in it: it will be turned away.
    if (context_.quarantine.entries().count(place.client) != 0) continue;
    round->add(place.client, place.train, place.evaluate);
  }
  context_.round = round;
  context_.flight.note(flight::State::kRoundOpened, round->number(), intent.places.size());
  emit_round_opened(context_);
  context_.changed.notify();
  return round;
}

bool RoundLoop::fixed_in(uint32_t round) const {
  const auto& config = context_.config;
  return statistics_are_fixed(config.policy, config.fix_after, round, config.rounds);
}

size_t RoundLoop::quorum(size_t selected) const {
  const size_t wanted =
      context_.config.cohort == 0 ? selected : std::min<size_t>(selected, context_.config.cohort);
  return context_.config.quorum == 0 ? wanted : std::min<size_t>(wanted, context_.config.quorum);
}

// True when the round has enough updates. Late evaluators are not waited for longer than late
// trainers.
awaitable<bool> RoundLoop::collect(std::shared_ptr<Round> round) {
  const auto patience = context_.config.progress;
  const auto limit = context_.config.round_limit;
  auto end = limit.count() > 0 ? round->begun() + limit : Clock::time_point::max();
  for (;;) {
    tell_late(*round, round->take_late(patience), "no progress for " + in_ms(patience));
    const auto trainers = round->trainers(patience);
    const auto evaluators = round->evaluators(patience);
    const size_t selected = trainers.done + trainers.failed + trainers.stalled + trainers.open;
    const size_t target =
        context_.config.cohort == 0 ? selected : std::min<size_t>(selected, context_.config.cohort);
    const bool trained = trainers.done >= target || trainers.open == 0;
    const bool over = Clock::now() >= end;
    if (over)
      tell_late(*round, round->unfinished(), "no answer within " + in_ms(limit) + " (round_s)");
    // Of nobody, when the last trainer was put in quarantine, no model can be made.
    if (over || (trained && evaluators.open == 0)) {
      round->close();
      co_return trainers.done >= std::max<size_t>(1, quorum(selected));
    }
    // A server that was frozen (a suspended machine, a stopped process) heard nobody meanwhile;
    // that is not held against the clients.
    const auto planned = std::min(Clock::now() + round->until_next_deadline(patience), end);
    co_await round->changed().wait_for(
        std::chrono::ceil<std::chrono::milliseconds>(planned - Clock::now()));
    if (const auto late = Clock::now() - planned; late > kFrozen) {
      round->postpone(late);
      if (limit.count() > 0) end += late;
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(late).count();
      context_.flight.note(flight::State::kPostponed, round->number(), static_cast<uint64_t>(ms));
    }
  }
}

void RoundLoop::tell_late(const Round& round, const std::vector<std::string>& names,
                          const std::string& what) {
  if (names.empty()) return;
  std::string why = "round " + std::to_string(round.number()) + ": " + what + " from";
  constexpr size_t kNamed = 5;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) why += " " + names[i];
  if (names.size() > kNamed) why += " and " + std::to_string(names.size() - kNamed) + " others";
  log::warn("server", why);
  context_.flight.missed_deadline(names, round.number(), why);
}

awaitable<Status> RoundLoop::reduce_and_commit(std::shared_ptr<Round> round, const Intent& intent,
                                               Clock::time_point begun) {
  ATOLL_CO_TRY(fault::point("aggregate"));
  const auto model = context_.store->model();
  RoundResult result{.round = round->number()};
  Commit commit{.round = round->number(), .attempt = intent.attempt};
  std::vector<Contribution> contributions;
  for (const auto& [name, p] : round->participants()) {
    if (!p.train || p.phase != Phase::kDone) continue;
    contributions.push_back(
        {name, context_.config.weights == "uniform" ? 1 : p.report.examples, p.upload.get()});
    result.examples += p.report.examples;
    result.train_loss += p.report.train_loss * static_cast<double>(p.report.examples);
    result.update_norm += p.report.update_norm;
    result.bytes_down += p.bytes_down;
    result.bytes_up += p.bytes_up;
    commit.contributed.push_back({name, p.upload->expected(), p.report.examples});
    commit.lines.push_back(client_line(round->number(), name, p));
  }
  result.clients = contributions.size();
  result.train_loss /= static_cast<double>(std::max<uint64_t>(1, result.examples));
  result.update_norm /= static_cast<double>(result.clients);

  ATOLL_CO_ASSIGN(auto policy, Policy::make(context_.config.policy, model->manifest(),
                                            fixed_in(round->number())));
  // Made anew when a full disk interrupted the writing: it reads everything once, from the start.
  std::optional<Reducer> reducer;
  FlatSource fill = [&](uint64_t offset, MutableByteView out) -> Status {
    if (offset == 0) {
      ATOLL_ASSIGN(auto made, Reducer::make(*model, policy, context_.config.rule, contributions));
      reducer.emplace(std::move(made));
    }
    ATOLL_TRY(reducer->fill(offset, out));
    // The last slice brings the norm guard, so that a void model is never given its name.
    return offset + out.size() == model->manifest().total_bytes() ? reducer->check_norms()
                                                                  : Status();
  };
  const auto evaluation = sum_of_evaluations(*round);
  auto closing = [&](const Digest& digest) {
    result.model_sha256 = digest;
    result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    auto whole = commit;
    whole.lines.push_back(round_line(result));
    if (evaluation.examples > 0)
      whole.lines.push_back(evaluation_line(round->number() - 1, evaluation));
    return whole;
  };
  ATOLL_CO_TRY(co_await write_and_commit(round->number(), model->manifest(), fill, closing));
  for (const auto& [name, p] : round->participants()) {
    if (p.train && p.phase == Phase::kDone) note_update(context_, round->number(), name, p);
  }
  emit_round_closed(context_, result);
  emit_evaluation(context_, round->number() - 1, evaluation);
  co_return Status();
}

// The model of round 0: from a file, or drawn from the seed by the first client that asks.
awaitable<Status> RoundLoop::initial_model() {
  auto closing = [](const Digest&) { return Commit{.round = 0}; };
  if (!context_.config.initial_model.empty()) {
    ATOLL_CO_ASSIGN(auto file, SafetensorsFile::open(context_.config.initial_model));
    auto verify = [&file] { return file.verify(); };
    ATOLL_CO_TRY(co_await net::offload(context_.compute, verify));
    FlatSource fill = [&file](uint64_t offset, MutableByteView out) {
      return file.read_flat(offset, out);
    };
    co_return co_await write_and_commit(0, file.manifest(), fill, closing);
  }
  for (;;) {
    ATOLL_CO_TRY(co_await wait_for_clients());
    wire::Task task{.kind = wire::TaskKind::kInitialize,
                    .total_rounds = context_.config.rounds,
                    .seed = context_.config.seed};
    auto round = std::make_shared<Round>(context_.executor, 0, std::move(task), nullptr);
    context_.round = round;
    context_.changed.notify();
    while (round->participants().empty() && !context_.draining)
      co_await round->changed().wait_for(context_.config.poll);
    if (round->participants().empty()) {
      context_.round = nullptr;
      co_return drained();
    }
    const bool enough = co_await collect(round);
    context_.round = nullptr;
    if (!enough) continue;
    const Upload& upload = *round->participants().begin()->second.upload;
    FlatSource fill = [&upload](uint64_t offset, MutableByteView out) {
      return upload.read_at(offset, out);
    };
    co_return co_await write_and_commit(0, *round->manifest(), fill, closing);
  }
}

// Writing takes seconds for a large model, so it happens beside the clients' conversations.
awaitable<Status> RoundLoop::write_and_commit(uint32_t round, const Manifest& manifest,
                                              const FlatSource& fill, const Closing& closing) {
  auto& store = *context_.store;
  Digest digest{};
  auto write = [&]() -> Status {
    ATOLL_ASSIGN(digest, store.write_checkpoint(round, manifest, fill));
    return {};
  };
  const auto begun = Clock::now();
  ATOLL_CO_TRY(co_await on_disk(write));
  context_.instruments.aggregation_seconds.observe(
      std::chrono::duration<double>(Clock::now() - begun).count());
  ATOLL_CO_TRY(fault::point("commit"));
  auto whole = closing(digest);
  whole.model = digest;
  auto commit = [&] { return store.ledger().commit(whole); };
  ATOLL_CO_TRY(co_await on_disk(commit));
  ATOLL_CO_TRY(fault::point("commit.after"));
  co_return store.adopt(round, digest);
}

// Work that waits for the disk. A full disk pauses the run: nothing is lost, and it goes on by
// itself when there is space again.
awaitable<Status> RoundLoop::on_disk(const std::function<Status()>& work) {
  net::Event never(context_.executor);
  for (bool paused = false;;) {
    auto call = [&work] { return work(); };
    auto done = co_await net::offload(context_.compute, call);
    if (done || done.error().code() != ErrorCode::kDiskFull || !context_.wait_for_space) {
      if (paused && done) emit_resumed(context_);
      co_return done;
    }
    if (!paused) emit_paused(context_, done.error().message());
    paused = true;
    co_await never.wait_for(kDiskRetry);
  }
}

bool RoundLoop::evaluates(uint32_t model_round) const {
  const uint32_t every = context_.config.evaluate_every;
  return every > 0 && model_round % every == 0;
}

awaitable<Status> RoundLoop::last_evaluation() {
  auto& ledger = context_.store->ledger();
  // A server that was started for this alone waits for the clients to come back, but not for ever:
  // the model is there without it.
  ATOLL_CO_ASSIGN(const auto members, ledger.members_of(context_.config.rounds));
  for (const auto& name : members) context_.registry.expect(name);
  ATOLL_CO_ASSIGN(const bool finished, ledger.finished());
  if (finished) co_return Status();
  while (context_.registry.awaited() > 0)
    co_await context_.changed.wait_for(std::chrono::seconds(1));
  auto round = open({context_.config.rounds + 1, 0, places_for({}, false, true)});
  if (!round->participants().empty()) co_await collect(round);
  context_.round = nullptr;
  ATOLL_CO_TRY(fault::point("evaluate"));
  const auto sum = sum_of_evaluations(*round);
  std::vector<std::string> lines;
  if (sum.examples > 0) lines.push_back(evaluation_line(context_.config.rounds, sum));
  auto finish = [&] { return ledger.finish(lines); };
  ATOLL_CO_TRY(co_await on_disk(finish));
  context_.store->deliver_lines();
  emit_evaluation(context_, context_.config.rounds, sum);
  co_return Status();
}

}  // namespace atl::server
