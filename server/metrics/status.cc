#include "server/metrics/status.h"

#include <nlohmann/json.hpp>

#include "common/core/utc.h"

namespace atl::server {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr const char* kPhases[] = {"waiting",   "fetching", "training",
                                   "uploading", "done",     "failed"};

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

std::string status_json(const Context& context) {
  Json clients = Json::array();
  for (const auto& [name, member] : context.registry.members()) {
    clients.push_back({{"name", name},
                       {"connected", member.session != nullptr},
                       {"address", member.address},
                       {"train_examples", member.train_examples},
                       {"test_examples", member.test_examples}});
  }
  Json denied = Json::object();
  for (size_t i = 0; i < kDenials; ++i) {
    if (const auto times = context.admission.denied[i]; times > 0)
      denied[std::string(to_string(static_cast<Denial>(i)))] = times;
  }
  Json quarantined = Json::array();
  for (const auto& [name, entry] : context.quarantine.entries()) {
    quarantined.push_back(
        {{"name", name}, {"round", entry.round}, {"reason", entry.reason}, {"time", entry.time}});
  }
  const Json status{
      {"run", context.config.name},
      {"state", context.state()},
      {"round", context.store->round()},
      {"rounds", context.config.rounds},
      {"model", context.store->model_path()},
      {"model_sha256", context.store->has_model() ? hex(context.store->model_digest()) : ""},
      {"clients", clients},
      {"denied", denied},
      {"quarantined", quarantined},
      {"bytes_down", context.bytes_down},
      {"bytes_up", context.bytes_up},
      {"time", utc_text(std::chrono::system_clock::now())}};
  return status.dump(2) + "\n";
}

std::string clients_json(const Context& context) {
  const auto now = Clock::now();
  Json all = Json::array();
  for (const auto& [name, member] : context.registry.members()) {
    Json client{{"name", name},
                {"connected", member.session != nullptr},
                {"address", member.address},
                {"train_examples", member.train_examples},
                {"test_examples", member.test_examples},
                {"phase", nullptr}};
    // Of a client that has been away since before this server's start nothing was heard.
    if (member.session == nullptr && member.left != Clock::time_point())
      client["away_s"] = seconds_between(member.left, now);
    if (context.round != nullptr) {
      const auto& cohort = context.round->participants();
      if (const auto found = cohort.find(name); found != cohort.end()) {
        client["phase"] = kPhases[static_cast<size_t>(found->second.phase)];
        client["quiet_s"] = seconds_between(found->second.last_progress, now);
        client["steps"] = found->second.steps_done;
      }
    }
    if (const auto found = context.instruments.clients.find(name);
        found != context.instruments.clients.end()) {
      const auto& did = found->second;
      client["round"] = did.round;
      client["updates"] = did.updates;
      client["refused"] = did.refused;
      client["bytes_down"] = did.bytes_down;
      client["bytes_up"] = did.bytes_up;
      client["update_norm"] = did.update_norm;
      client["train_loss"] = did.train_loss;
      client["seconds"] = did.seconds;
    }
    client["quarantined"] = context.quarantine.entries().contains(name);
    all.push_back(std::move(client));
  }
  return all.dump() + "\n";
}

std::string cohort_json(const Context& context) {
  if (context.round == nullptr) return "null\n";
  const auto& round = *context.round;
  Json clients = Json::array();
  for (const auto& [name, participant] : round.participants()) {
    Json entered = Json::object();
    for (size_t phase = 0; phase < kPhaseCount; ++phase) {
      if (const auto at = participant.entered[phase]; at != Clock::time_point())
        entered[kPhases[phase]] = seconds_between(round.begun(), at);
    }
    clients.push_back({{"name", name},
                       {"train", participant.train},
                       {"evaluate", participant.evaluate},
                       {"handouts", participant.handouts},
                       {"entered", entered}});
  }
  const Json cohort{{"round", round.number()},
                    {"seconds", seconds_between(round.begun(), Clock::now())},
                    {"clients", clients}};
  return cohort.dump() + "\n";
}

}  // namespace atl::server
