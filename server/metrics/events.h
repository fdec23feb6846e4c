// Writes what happens into the run's metrics.jsonl and status.json, and tells whoever watches. The
// JSON library stays inside events.cc; docs/metrics.md lists every line and field.
#pragma once

#include <string>

#include "server/context.h"

namespace atl::server {

// Of one round's closing: sums over the updates that went into the new model.
struct RoundResult {
  uint32_t round = 0;
  double seconds = 0;
  size_t clients = 0;
  uint64_t examples = 0;
  double train_loss = 0;
  double update_norm = 0;  // mean over clients
  uint64_t bytes_down = 0, bytes_up = 0;
  Digest model_sha256{};
};

std::string utc_now();  // "2026-01-31T12:00:00Z"
void emit_clients(Context& context);
void emit_round_opened(Context& context);
void emit_progress(Context& context);
// `cause`: one of the wire's reasons.
void emit_refused(Context& context, const std::string& client, uint32_t round,
                  std::string_view cause, const std::string& reason);
void emit_quarantined(Context& context, const Quarantine::Entry& entry);
// Lines of metrics.jsonl that belong to a round's commit: of each client whose update went in, of
// the round, and of an evaluation. What they tell is emitted once the commit stands.
std::string client_line(uint32_t round, const std::string& client, const Participant& participant);
std::string round_line(const RoundResult& result);
std::string evaluation_line(uint32_t round, const wire::Evaluation& sum);
// What a committed round's update adds to the instruments.
void note_update(Context& context, uint32_t round, const std::string& client,
                 const Participant& participant);
void emit_round_closed(Context& context, const RoundResult& result);
void emit_evaluation(Context& context, uint32_t round, const wire::Evaluation& sum);
// The run waits for something that a person has to do, such as freeing space; and goes on.
void emit_paused(Context& context, const std::string& why);
void emit_resumed(Context& context);
void emit_draining(Context& context);
void emit_finished(Context& context);

}  // namespace atl::server
