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

void emit_clients(Context& context);
void emit_round_opened(Context& context);
void emit_progress(Context& context);
void emit_refused(Context& context, const std::string& client, uint32_t round,
                  const std::string& reason);
void emit_round_closed(Context& context, const RoundResult& result);
// One line per contributing client, and the sums.
void emit_client(Context& context, uint32_t round, const std::string& client,
                 const Participant& participant);
void emit_evaluation(Context& context, uint32_t round, const wire::Evaluation& sum);
void emit_finished(Context& context);

}  // namespace atl::server
