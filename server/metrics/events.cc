#include "server/metrics/events.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/log.h"
#include "common/core/utc.h"
#include "server/metrics/status.h"

namespace atl::server {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity; a diverged loss becomes null.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// Metrics are worth a loud line when they cannot be written, but never a round.
void append(Context& context, const Json& line) {
  auto written = context.store->append_metrics(line.dump());
  if (!written) log::error("metrics", written.error().message());
}

void tell(Context& context, RunEvent event) {
  event.total_rounds = context.config.rounds;
  event.bytes_down = context.bytes_down;
  event.bytes_up = context.bytes_up;
  context.watch(event);
}

// What is going on, for whoever asks. With many clients it is large and changes all the time, so
// mere progress is written ten times a second at most; what opens or closes a round always is.
enum class Urgency { kNow, kSoon };
void write_status(Context& context, Urgency urgency = Urgency::kNow) {
  const auto now = std::chrono::steady_clock::now();
  if (urgency == Urgency::kSoon && now - context.status_written < std::chrono::milliseconds(100)) {
    return;
  }
  context.status_written = now;
  auto written = context.store->write_status(status_json(context));
  if (!written) log::error("metrics", written.error().message());
}

}  // namespace

std::string utc_now() { return utc_text(std::chrono::system_clock::now()); }

void emit_clients(Context& context) {
  size_t connected = 0;
  for (const auto& [name, member] : context.registry.members())
    connected += member.session != nullptr;
  write_status(context, Urgency::kSoon);
  tell(context,
       {.kind = RunEvent::Kind::kClients, .round = context.store->round(), .clients = connected});
}

void emit_round_opened(Context& context) {
  write_status(context);
  tell(context, {.kind = RunEvent::Kind::kRoundOpened,
                 .round = context.round->number(),
                 .clients = context.round->participants().size()});
}

void emit_progress(Context& context) {
  if (context.round == nullptr) return;
  write_status(context, Urgency::kSoon);
  const auto count = context.round->trainers(context.config.progress);
  tell(context, {.kind = RunEvent::Kind::kProgress,
                 .round = context.round->number(),
                 .clients = count.done + count.open + count.stalled + count.failed,
                 .done = count.done});
}

void emit_refused(Context& context, const std::string& client, uint32_t round,
                  std::string_view cause, const std::string& reason) {
  ++context.instruments.refused[std::string(cause)];
  ++context.instruments.clients[client].refused;
  append(context, {{"event", "refused"},
                   {"round", round},
                   {"client", client},
                   {"reason", reason},
                   {"time", utc_now()}});
  tell(context, {.kind = RunEvent::Kind::kRefused, .round = round, .text = client + ": " + reason});
}

void emit_quarantined(Context& context, const Quarantine::Entry& entry) {
  append(context, {{"event", "quarantined"},
                   {"round", entry.round},
                   {"client", entry.client},
                   {"reason", entry.reason},
                   {"time", entry.time}});
  write_status(context);
  tell(context, {.kind = RunEvent::Kind::kRefused,
                 .round = entry.round,
                 .text = entry.client + ": in quarantine: " + entry.reason});
}

std::string client_line(uint32_t round, const std::string& client, const Participant& participant) {
  const auto& report = participant.report;
  Json line{{"event", "client"},
            {"round", round},
            {"client", client},
            {"examples", report.examples},
            {"steps", report.steps},
            {"train_loss", number(report.train_loss)},
            {"update_norm", number(report.update_norm)},
            {"seconds", number(report.seconds)},
            {"bytes_down", participant.bytes_down},
            {"bytes_up", participant.bytes_up}};
  auto add = [&line](const char* key, const wire::Evaluation& e) {
    if (e.examples == 0) return;
    line[key] = {{"examples", e.examples},
                 {"correct", e.correct},
                 {"loss", number(e.loss_sum / static_cast<double>(e.examples))}};
  };
  add("before", report.before);
  add("after", report.after);
  return line.dump();
}

void note_update(Context& context, uint32_t round, const std::string& client,
                 const Participant& participant) {
  auto& instruments = context.instruments;
  auto& totals = instruments.clients[client];
  totals.round = round;
  ++totals.updates;
  ++instruments.updates;
  totals.bytes_down += participant.bytes_down;
  totals.bytes_up += participant.bytes_up;
  totals.update_norm = participant.report.update_norm;
  totals.train_loss = participant.report.train_loss;
  totals.seconds = participant.report.seconds;
  const auto entered = [&participant](Phase phase) {
    return participant.entered[static_cast<size_t>(phase)];
  };
  const std::chrono::duration<double> upload = entered(Phase::kDone) - entered(Phase::kUploading);
  instruments.upload_seconds.observe(upload.count());
}

std::string round_line(const RoundResult& r) {
  Json line{{"event", "round"},
            {"round", r.round},
            {"seconds", r.seconds},
            {"clients", r.clients},
            {"examples", r.examples},
            {"train_loss", number(r.train_loss)},
            {"update_norm", number(r.update_norm)},
            {"bytes_down", r.bytes_down},
            {"bytes_up", r.bytes_up},
            {"model_sha256", hex(r.model_sha256)},
            {"time", utc_now()}};
  return line.dump();
}

void emit_round_closed(Context& context, const RoundResult& r) {
  ++context.instruments.rounds;
  context.instruments.round_seconds.observe(r.seconds);
  context.audit->record({.event = AuditEvent::kRoundCommitted,
                         .text = "round " + std::to_string(r.round) + ", " +
                                 std::to_string(r.clients) + " clients, model " +
                                 hex(r.model_sha256)});
  write_status(context);
  tell(context, {.kind = RunEvent::Kind::kRoundClosed,
                 .round = r.round,
                 .clients = r.clients,
                 .done = r.clients,
                 .seconds = r.seconds,
                 .train_loss = r.train_loss});
}

std::string evaluation_line(uint32_t round, const wire::Evaluation& sum) {
  const double n = static_cast<double>(sum.examples);
  const double accuracy = static_cast<double>(sum.correct) / n;
  Json line{{"event", "evaluation"},  {"round", round},       {"examples", sum.examples},
            {"correct", sum.correct}, {"accuracy", accuracy}, {"loss", number(sum.loss_sum / n)},
            {"time", utc_now()}};
  return line.dump();
}

void emit_evaluation(Context& context, uint32_t round, const wire::Evaluation& sum) {
  if (sum.examples == 0) return;
  const double n = static_cast<double>(sum.examples);
  auto& instruments = context.instruments;
  ++instruments.evaluations;
  instruments.evaluated_round = round;
  instruments.accuracy = static_cast<double>(sum.correct) / n;
  instruments.loss = sum.loss_sum / n;
  tell(context, {.kind = RunEvent::Kind::kEvaluated,
                 .round = round,
                 .accuracy = instruments.accuracy,
                 .loss = instruments.loss});
}

void emit_paused(Context& context, const std::string& why) {
  log::error("server", "paused: " + why + "; make room, and it goes on by itself");
  append(
      context,
      {{"event", "paused"}, {"round", context.store->round()}, {"why", why}, {"time", utc_now()}});
  context.paused = true;
  write_status(context);
}

void emit_resumed(Context& context) {
  log::info("server", "there is space again; the run goes on");
  append(context, {{"event", "resumed"}, {"round", context.store->round()}, {"time", utc_now()}});
  context.paused = false;
  write_status(context);
}

void emit_draining(Context& context) {
  const auto* round = context.round.get();
  log::info("server",
            "draining: " + (round == nullptr ? std::string("no round is open")
                                             : "round " + std::to_string(round->number()) +
                                                   " is finished first"));
  append(context, {{"event", "draining"}, {"round", context.store->round()}, {"time", utc_now()}});
  write_status(context);
}

void emit_finished(Context& context) {
  write_status(context);
  tell(context, {.kind = RunEvent::Kind::kFinished, .round = context.store->round()});
}

}  // namespace atl::server
